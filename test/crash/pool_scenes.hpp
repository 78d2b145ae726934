// Scenes of a pool: its host, its supervisor or a worker is the victim, in all that they do for a
// task and for each other.
#ifndef BROOD_TEST_CRASH_POOL_SCENES_HPP
#define BROOD_TEST_CRASH_POOL_SCENES_HPP

#include "scene.hpp"

namespace crash {

Scenes pool_scenes();

}  // namespace crash

#endif
