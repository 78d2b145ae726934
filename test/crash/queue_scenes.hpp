// Scenes of a queue: put into and got from, with its sides owned, asked for and left by others.
#ifndef BROOD_TEST_CRASH_QUEUE_SCENES_HPP
#define BROOD_TEST_CRASH_QUEUE_SCENES_HPP

#include "queues.hpp"
#include "scene.hpp"

namespace crash {

/// The scenes keep the queue for as long as they live. Plain: those that every queue can play, for
/// comparison.
Scenes queue_scenes(TestQueue& queue, bool plain);
/// Of a queue of bytes.
Scenes byte_scenes(TestQueue& queue);
/// Of one without a bound, which grows and shrinks.
Scenes growing_scenes(TestQueue& queue);
Scenes growing_byte_scenes(TestQueue& queue);

}  // namespace crash

#endif
