// Hosts with a pool each: hosts, supervisors and workers are killed and stopped.
#ifndef BROOD_TEST_STORM_POOL_SCENE_HPP
#define BROOD_TEST_STORM_POOL_SCENE_HPP

#include <memory>

#include "weather.hpp"

namespace storm {

std::unique_ptr<Scene> make_pool_scene();

}  // namespace storm

#endif
