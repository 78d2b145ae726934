// Scenes of a condition: waiting and notifying, with others asleep.
#ifndef BROOD_TEST_CRASH_CONDITION_SCENES_HPP
#define BROOD_TEST_CRASH_CONDITION_SCENES_HPP

#include "scene.hpp"

namespace crash {

Scenes condition_scenes();

}  // namespace crash

#endif
