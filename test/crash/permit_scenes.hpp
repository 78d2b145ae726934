// Scenes of a semaphore, in both its forms: acquired and released, with others asleep.
#ifndef BROOD_TEST_CRASH_PERMIT_SCENES_HPP
#define BROOD_TEST_CRASH_PERMIT_SCENES_HPP

#include "scene.hpp"

namespace crash {

Scenes permit_scenes();

}  // namespace crash

#endif
