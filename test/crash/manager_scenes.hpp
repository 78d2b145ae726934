// The scenes of a manager: dictionaries changed, made and dropped in memory that all share.
#ifndef BROOD_TEST_CRASH_MANAGER_SCENES_HPP
#define BROOD_TEST_CRASH_MANAGER_SCENES_HPP

#include "scene.hpp"

namespace crash {

Scenes manager_scenes();
/// Lists, locks, queues.
Scenes manager_object_scenes();

}  // namespace crash

#endif
