// Scenes of a pool whose host has two threads, of which one is stepped through its act.
#ifndef BROOD_TEST_CRASH_THREAD_SCENES_HPP
#define BROOD_TEST_CRASH_THREAD_SCENES_HPP

#include "scene.hpp"

namespace crash {

void add_thread_scenes(Scenes& scenes);

}  // namespace crash

#endif
