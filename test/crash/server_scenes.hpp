// The scenes of a ManagerServer: its process, those of its clients, and clients elsewhere.
#ifndef BROOD_TEST_CRASH_SERVER_SCENES_HPP
#define BROOD_TEST_CRASH_SERVER_SCENES_HPP

#include "scene.hpp"

namespace crash {

Scenes server_scenes();

}  // namespace crash

#endif
