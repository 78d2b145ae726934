// The scenes of a Connection, of a socket or of pipes: sent by, received, made and closed.
#ifndef BROOD_TEST_CRASH_STREAM_SCENES_HPP
#define BROOD_TEST_CRASH_STREAM_SCENES_HPP

#include "scene.hpp"

namespace crash {

Scenes stream_scenes();

}  // namespace crash

#endif
