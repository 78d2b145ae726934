#include "queue_scenes.hpp"

#include "queue_scene.hpp"

namespace crash {
namespace {

constexpr Plan kPlans[] = {
    // Who has the side: for each operation that uses one.
    {Act::put, Lease::fresh, 0},
    {Act::put, Lease::nobody, 1},
    {Act::put, Lease::mine, 1},
    {Act::put, Lease::idle, 1},
    {Act::put, Lease::dead, 1},
    {Act::put, Lease::inherited, 1},
    {Act::put, Lease::asked, 1},
    {Act::put, Lease::asked_by_dead, 1},
    {Act::put, Lease::queued, 1},
    {Act::put, Lease::both_dead, 1},
    {Act::put, Lease::heir, 1},
    {Act::get, Lease::fresh, kFull},
    {Act::get, Lease::nobody, 1},
    {Act::get, Lease::mine, 1},
    {Act::get, Lease::idle, 1},
    {Act::get, Lease::dead, 1},
    {Act::get, Lease::inherited, 1},
    {Act::get, Lease::asked, 2},
    {Act::get, Lease::asked_by_dead, 2},
    {Act::get, Lease::queued, 3},
    {Act::get, Lease::both_dead, 1},
    {Act::put_3, Lease::mine, 1},
    {Act::put_3, Lease::dead, 1},
    {Act::put_3, Lease::asked, 1},
    {Act::get_3, Lease::mine, 3},
    {Act::get_3, Lease::dead, 3},
    {Act::get_3, Lease::asked, 3},
    // Who sleeps.
    {Act::put, Lease::mine, 3},
    {Act::put, Lease::nobody, 0, 1},
    {Act::put, Lease::mine, 1, 2},
    {Act::put, Lease::nobody, 0, 0, 0, 0, 1},
    {Act::put, Lease::nobody, 0, 1, 0, 0, 1},
    {Act::put, Lease::asked, 1, 1},
    {Act::put, Lease::dead, 1, 2},
    {Act::put, Lease::nobody, kFull, 0, 2},
    {Act::put, Lease::mine, kFull},
    {Act::put, Lease::mine, kFull, 0, 0, 2},
    {Act::put_3, Lease::nobody, 0, 2},
    {Act::put_3, Lease::mine, kFull, 0, 1},
    {Act::put_now, Lease::mine, kFull},
    {Act::put_now, Lease::nobody, kFull, 0, 1},
    {Act::put_timed, Lease::nobody, kFull},
    {Act::put_timed, Lease::mine, kFull, 0, 0, 2},
    {Act::get, Lease::nobody, kFull, 0, 1},
    {Act::get, Lease::nobody, kFull, 0, 2},
    {Act::get, Lease::mine, 3, 0, 2},
    {Act::get, Lease::nobody, kFull, 0, 1, 0, 1},
    {Act::get, Lease::asked, 3, 0, 1},
    {Act::get, Lease::nobody, 0},
    {Act::get, Lease::mine, 0, 0, 0, 2},
    {Act::get_3, Lease::nobody, kFull, 0, 2},
    {Act::get_now, Lease::mine, 0},
    {Act::get_now, Lease::nobody, 0, 1},
    {Act::get_timed, Lease::nobody, 0},
    {Act::get_timed, Lease::mine, 0, 0, 0, 2},
    // To the end of it.
    {Act::shut_down, Lease::fresh, 1},
    {Act::shut_down, Lease::fresh, 0, 2},
    {Act::shut_down, Lease::fresh, kFull, 0, 2},
    {Act::shut_down_now, Lease::fresh, kFull, 0, 2},
};

// Of bytes: what a ring of messages has not, lengths.
constexpr Plan kBytePlans[] = {
    {Act::put, Lease::mine, 1},
    {Act::put, Lease::dead, 2},
    {Act::put, Lease::nobody, 0, 2},
    {Act::put, Lease::nobody, 3, 0, 0, 2, 0, 0, Lease::nobody, true},
    {Act::put, Lease::nobody, kFull, 0, 2, 0, 0, 0, Lease::nobody, true},
    {Act::put_now, Lease::nobody, 3, 0, 0, 0, 0, 0, Lease::nobody, true},
    {Act::get, Lease::mine, 1},
    {Act::get, Lease::dead, 2},
    {Act::get, Lease::nobody, kFull, 0, 2},
    {Act::get, Lease::mine, 0, 0, 0, 1},
};

// A put that finds no room, and a get that finds a lot for a few.
constexpr int kWide = 32, kTwice = 8;
constexpr Plan kGrowingPlans[] = {
    {Act::put, Lease::mine, kFull},
    {Act::put, Lease::nobody, kFull},
    {Act::put, Lease::dead, kFull, 0, 0, 0, 0, 0, Lease::dead},
    {Act::put, Lease::mine, kFull, 0, 0, 0, 0, 0, Lease::idle},
    {Act::put, Lease::mine, kFull, 0, 0, 0, 0, 0, Lease::queued},
    {Act::put_6, Lease::mine, 3},
    {Act::put_6, Lease::nobody, 0, 1},
    {Act::get, Lease::mine, 2, 0, 0, 0, 0, kWide},
    {Act::get, Lease::nobody, 2, 0, 0, 0, 0, kWide},
    {Act::get, Lease::mine, 2, 0, 0, 0, 0, kWide, Lease::idle},
    {Act::get, Lease::dead, 2, 0, 0, 0, 0, kWide, Lease::dead},
    {Act::get, Lease::mine, 2, 0, 0, 0, 0, kWide, Lease::queued},
    {Act::get, Lease::nobody, 0, 0, 0, 0, 0, kTwice},
    // Others grow it while one gets, and shrink it while one puts.
    {Act::get, Lease::mine, kTwice - 1, 0, 0, 0, 0, kTwice},
    {Act::put, Lease::mine, 2, 0, 0, 0, 0, kWide},
};

constexpr int kWideBytes = 16;
constexpr Plan kGrowingBytePlans[] = {
    {Act::put, Lease::mine, kFull},
    {Act::put, Lease::dead, 3, 0, 0, 0, 0, 0, Lease::dead, true},
    {Act::get, Lease::mine, 2, 0, 0, 0, 0, kWideBytes},
    {Act::get, Lease::dead, 2, 0, 0, 0, 0, kWideBytes, Lease::dead},
};

// Much of them is what a Queue does.
constexpr std::size_t kShortShare = 4;

template <std::size_t kCount>
Scenes scenes_of(TestQueue& queue, const Plan (&plans)[kCount]) {
    Scenes scenes;
    int number = 0;
    for (const Plan& plan : plans) {
        scenes.push_back(std::make_unique<QueueScene>(queue, plan, ++number % 3 != 0, kShortShare));
    }
    return scenes;
}

}  // namespace

Scenes queue_scenes(TestQueue& queue, bool plain) {
    Scenes scenes;
    int number = 0;
    for (const Plan& plan : kPlans) {
        const bool near_wrap = ++number % 3 != 0;
        const bool shuts = plan.act == Act::shut_down || plan.act == Act::shut_down_now;
        if (plain && (plan.lease > Lease::nobody || shuts)) { continue; }
        scenes.push_back(std::make_unique<QueueScene>(queue, plan, near_wrap && queue.is_ours()));
    }
    return scenes;
}

Scenes byte_scenes(TestQueue& queue) {
    return scenes_of(queue, kBytePlans);
}

Scenes growing_scenes(TestQueue& queue) {
    return scenes_of(queue, kGrowingPlans);
}

Scenes growing_byte_scenes(TestQueue& queue) {
    return scenes_of(queue, kGrowingBytePlans);
}

}  // namespace crash
