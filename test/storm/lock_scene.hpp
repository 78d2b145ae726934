// Locks and semaphores in the storm: who is inside is witnessed, and each death there is heard of.
#ifndef BROOD_TEST_STORM_LOCK_SCENE_HPP
#define BROOD_TEST_STORM_LOCK_SCENE_HPP

#include <memory>

#include "weather.hpp"

namespace storm {

std::unique_ptr<Scene> make_lock_scene();

}  // namespace storm

#endif
