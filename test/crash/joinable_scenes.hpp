// Scenes of a joinable queue: who holds what, who waits for all of it, and what dies with holders.
#ifndef BROOD_TEST_CRASH_JOINABLE_SCENES_HPP
#define BROOD_TEST_CRASH_JOINABLE_SCENES_HPP

#include "queues.hpp"
#include "scene.hpp"

namespace crash {

/// The scenes keep the queue for as long as they live.
Scenes joinable_scenes(TestQueue& queue);

}  // namespace crash

#endif
