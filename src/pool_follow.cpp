// Callbacks run, and maps send what they have left, in the threads of the host that wait.
#include "pool_follow.hpp"

#include <utility>

#include "pool_pollable.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

using Note = PoolCore::SlotNote;

/// Takes the first task that has ended off the list of those with callbacks. False: there is none.
bool take_due(PoolCore& core, Ticket& ticket, Callback& callback, Status& outcome) noexcept {
    const Errc over = why_over(core);
    const HostMutexHold hold(core.mutex);
    std::uint32_t* link = &core.followed_head;  // indices + 1, 0 at the end
    std::uint32_t before = 0;
    for (; *link != 0; before = *link, link = &core.note[*link - 1].next) {
        ticket.slot = *link - 1;
        const bool ended = pool_ended(&core, ticket);
        if (!ended && over == Errc::ok) { continue; }
        outcome = ended ? pool_outcome(&core, ticket) : Status(over);
        *link = core.note[ticket.slot].next;
        if (core.followed_tail == ticket.slot + 1) { core.followed_tail = before; }
        callback = core.callback(ticket.slot);
        return true;
    }
    return false;
}

void run_callbacks(PoolCore& core) noexcept {
    Ticket ticket;
    Callback callback;
    Status outcome;
    while (take_due(core, ticket, callback, outcome)) {
        // Its slot stays as it is until we say that it was called.
        const TaskResult result{&core, ticket};
        callback.run(callback, &result, outcome);
        const HostMutexHold hold(core.mutex);
        // If the Future has gone, the look for forgotten tasks frees it.
        core.note[ticket.slot].hold =
            static_cast<std::uint8_t>(core.note[ticket.slot].hold & ~Note::kFollowed);
        end_following(core);
    }
}

/// Carries on each map, and calls the callbacks of those that have ended.
void run_maps(PoolCore& core) noexcept {
    for (bool is_told = true; is_told;) {
        is_told = false;
        Callback callback{};
        MapResult result{};
        Status outcome;
        {
            const BellMutexHold hold(core.follow_mutex);
            for (MapJob* job = core.jobs; job != nullptr && !is_told;) {
                MapJob* const next = job->next;  // an ended one is taken off the list
                is_told = carry_on(*job, callback);
                result = {job->outputs, job->count};
                outcome = job->first_error;
                job = next;
            }
        }
        if (is_told) { tell(core, callback, result, outcome); }
    }
}

void step(PoolCore& core) noexcept {
    if (core.following.load(std::memory_order_acquire) == 0) { return; }
    bool has_sleepers = false;
    {
        const HostMutexHold hold(core.mutex);
        has_sleepers = core.waiting > 0;
        // Who sleeps after this is woken by any task that ends after our look at it.
        if (has_sleepers) { core.shared->want.store(kWantAny, std::memory_order_relaxed); }
    }
    // With the one in Worker::run(). Where it is refused, who waits looks by himself: see Wanted.
    // Whoever comes to wait later makes his own, and looks after that.
    if (has_sleepers) { heavy_fence(core.shared->has_fences).ignore(); }
    run_maps(core);
    run_callbacks(core);
}

bool all_stuck(PoolCore& core) noexcept {
    const BellMutexHold hold(core.follow_mutex);
    std::uint32_t stuck = 0;
    for (const MapJob* job = core.jobs; job != nullptr; job = job->next) {
        if (job->is_stuck) { ++stuck; }
    }
    return core.following.load(std::memory_order_relaxed) == stuck;
}

}  // namespace

Errc why_over(PoolCore& core) noexcept {
    const HostMutexHold hold(core.mutex);
    if (core.supervisor != 0) { return Errc::ok; }
    return core.ended_by == Errc::ok ? Errc::pool_terminated : core.ended_by;
}

void tell(PoolCore& core, Callback& callback, const MapResult& result, Status outcome) noexcept {
    if (callback.run != nullptr) { callback.run(callback, &result, outcome); }
    const HostMutexHold hold(core.mutex);
    end_following(core);
}

void end_following(PoolCore& core) noexcept {
    core.told.fetch_add(1, std::memory_order_relaxed);
    core.following.fetch_sub(1, std::memory_order_release);
    // Other threads may wait for just that.
    if (core.waiting > 0) { ring_host(*core.shared); }
}

void begin_following(PoolCore& core) noexcept {
    core.following.fetch_add(1, std::memory_order_release);
    core.follow.store(&follow, std::memory_order_release);
    // Those who sleep did not know of this. Awake they want whatever ends.
    if (core.waiting > 0) { ring_host(*core.shared); }
}

Errc follow(PoolCore& core, std::int64_t deadline_ns) noexcept {
    step(core);
    if (deadline_ns == 0) { return Errc::ok; }
    const auto has_ended = [&core] { return all_stuck(core); };
    const Errc waited = sleep_until_ended(core, kWantAny - 1, has_ended, deadline_ns);
    if (waited == Errc::timed_out) { return waited; }
    step(core);  // What has not ended by the end of the pool never will.
    return core.following.load(std::memory_order_relaxed) == 0 ? Errc::ok : Errc::full;
}

Errc pool_follow(PoolCore* core, Ticket ticket, const Callback& callback) noexcept {
    if (!core->is_host()) { return Errc::wrong_process; }
    const HostMutexHold hold(core->mutex);
    Note& note = core->note[ticket.slot];
    if ((note.hold & Note::kFollowed) != 0) { return Errc::bad_argument; }
    note.hold = static_cast<std::uint8_t>(note.hold | Note::kFollowed);
    note.next = 0;
    core->callback(ticket.slot) = callback;
    std::uint32_t& last = core->followed_tail;
    (last == 0 ? core->followed_head : core->note[last - 1].next) = ticket.slot + 1;
    last = ticket.slot + 1;
    begin_following(*core);
    // What it ended with may have been told of before.
    if (core->pollable() != nullptr && pool_ended(core, ticket)) {
        core->pollable()->recall(*core);
    }
    return Errc::ok;
}

}  // namespace detail

using detail::PoolCore;

Result<std::size_t> PoolLoop::poll(Timeout timeout) noexcept {
    const Status usable = PoolCore::usable(core_);
    if (!usable.ok()) { return usable.error(); }
    if (core_->pollable() != nullptr) { core_->pollable()->empty(*core_); }  // then all looks
    struct Poll {
        PoolCore& core;
        std::uint32_t told;
    } poll{*core_, core_->told.load(std::memory_order_relaxed)};
    const auto is_news = [](void* context) {
        const Poll& before = *static_cast<Poll*>(context);
        return before.core.told.load(std::memory_order_relaxed) != before.told ||
               before.core.following.load(std::memory_order_relaxed) == 0;
    };
    const Errc waited = detail::pool_watch(core_, is_news, &poll, timeout);
    if (waited != Errc::ok) { detail::step(*core_); }  // The pool may be over.
    const std::uint32_t told = core_->told.load(std::memory_order_relaxed) - poll.told;
    const bool is_late = waited == Errc::timed_out || waited == Errc::timeout_negative ||
                         waited == Errc::timeout_overflow;
    if (told == 0 && is_late) { return waited; }
    return std::size_t{told};
}

}  // namespace v0
}  // namespace brood
