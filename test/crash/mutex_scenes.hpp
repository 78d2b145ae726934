// Scenes of a mutex: taken and let go of, with others before, behind and after the victim.
#ifndef BROOD_TEST_CRASH_MUTEX_SCENES_HPP
#define BROOD_TEST_CRASH_MUTEX_SCENES_HPP

#include "mutexes.hpp"
#include "scene.hpp"

namespace crash {

/// The scenes keep both for as long as they live; `other` is one more of the same kind.
Scenes mutex_scenes(Mutex& mutex, Mutex& other);

}  // namespace crash

#endif
