// A queue in the storm: every message is numbered, sealed and accounted for.
#ifndef BROOD_TEST_STORM_QUEUE_SCENE_HPP
#define BROOD_TEST_STORM_QUEUE_SCENE_HPP

#include <memory>

#include "weather.hpp"

namespace storm {

std::unique_ptr<Scene> make_queue_scene();

}  // namespace storm

#endif
