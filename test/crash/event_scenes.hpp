// Scenes of an event: set, cleared and waited for, with others asleep.
#ifndef BROOD_TEST_CRASH_EVENT_SCENES_HPP
#define BROOD_TEST_CRASH_EVENT_SCENES_HPP

#include "scene.hpp"

namespace crash {

Scenes event_scenes();

}  // namespace crash

#endif
