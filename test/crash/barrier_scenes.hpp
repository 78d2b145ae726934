// Scenes of a barrier: coming, aborting and resetting, with others asleep.
#ifndef BROOD_TEST_CRASH_BARRIER_SCENES_HPP
#define BROOD_TEST_CRASH_BARRIER_SCENES_HPP

#include "scene.hpp"

namespace crash {

Scenes barrier_scenes();

}  // namespace crash

#endif
