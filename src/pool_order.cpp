#include "pool_order.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

std::uint32_t expected_of(Timeout time) noexcept {
    if (time.is_forever()) { return kExpectedMax; }
    if (time.is_negative()) { return kExpectedNegative; }
    if (time.is_overflow()) { return kExpectedOverflow; }
    const std::int64_t us = time.nanoseconds() / 1000;
    return us > kExpectedMax ? kExpectedMax : static_cast<std::uint32_t>(us);
}

Errc weigh(const PoolCore& core, const TaskWishes& wishes, std::uint32_t& weight) noexcept {
    if (wishes.expected == kExpectedNegative) { return Errc::timeout_negative; }
    if (wishes.expected == kExpectedOverflow) { return Errc::timeout_overflow; }
    const bool has_priority = wishes.priority != TaskWishes().priority;
    const bool is_expected = wishes.expected != kExpectedUnset;
    const Order order = core.order();
    if (has_priority && order != Order::priority) { return Errc::bad_argument; }
    if (is_expected && order != Order::shortest_first) { return Errc::bad_argument; }
    const std::int32_t priority = has_priority ? wishes.priority : 0;
    if (priority < -TaskOptions::kPriorityMax || priority > TaskOptions::kPriorityMax) {
        return Errc::bad_argument;
    }
    weight = order == Order::priority ? lag_of(priority, core.shared->capacity)
             : is_expected            ? wishes.expected
                                      : 0;
    return Errc::ok;
}

/// By how many submissions the task is behind the last one that we know of: most often negative.
std::int32_t NextTask::place_of(std::uint32_t state) const noexcept {
    return static_cast<std::int32_t>(state - (end_ << kStateBits)) >> kStateBits;
}

/// The less, the sooner.
std::int64_t NextTask::rank_of(std::uint32_t index, std::uint32_t state) noexcept {
    const std::uint32_t note = shared_.slot(index).note.load(std::memory_order_relaxed);
    const std::uint32_t weight = (note & kOwnTerms) == 0
                                     ? usual_weight_
                                     : care_.weight(shared_, index).load(std::memory_order_relaxed);
    const std::int64_t place = place_of(state);
    if (order_ == Order::priority) { return place + weight; }
    const std::int64_t patience = std::int64_t{kTablesPassing} * shared_.capacity;
    if (place < -patience) { return place; }
    return (std::int64_t{weight} << kNumberBits) + place;
}

/// Whether the task in that slot is the best so far. Its state.
std::uint32_t NextTask::consider(std::uint32_t index) noexcept {
    Slot& slot = shared_.slot(index);
    const std::uint32_t state = slot.state.load(std::memory_order_acquire);
    if (state_of(state) != TaskState::ready) { return state; }
    // If the slot is used anew meanwhile, this is the rank of neither; but then the claim fails.
    const std::int64_t rank = rank_of(index, state);
    if (best_.slot == nullptr || rank < best_rank_) {
        best_ = {&slot, state};
        best_rank_ = rank;
    }
    return state;
}

NextTask::Found NextTask::look(bool everywhere) noexcept {
    // The hint first: read the other way round it might be beyond the end.
    const std::uint32_t hint = shared_.hint.load(std::memory_order_acquire);
    end_ = shared_.submitted.load(std::memory_order_acquire);
    best_.slot = nullptr;
    if (everywhere || end_ - hint >= shared_.capacity) {
        look_everywhere();
    } else {
        look_among_the_late(hint);
    }
    return best_;
}

/// Of the tasks from the hint on all are in `order`. Those before it were all claimed: so the hint
/// moves on to the first that was not.
void NextTask::look_among_the_late(std::uint32_t hint) noexcept {
    const std::uint32_t mask = shared_.capacity - 1;
    std::uint32_t oldest = end_;
    for (std::uint32_t at = hint; at != end_; ++at) {
        const std::uint32_t entry = shared_.order()[at & mask].load(std::memory_order_relaxed);
        const std::uint32_t state = consider(entry & mask);
        if (oldest == end_ && state == state_word(TaskState::ready, at)) { oldest = at; }
    }
    if (oldest == hint) { return; }
    // An entry that was replaced while we looked says nothing of the task that was in it.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (shared_.submitted.load(std::memory_order_relaxed) - hint >= shared_.capacity) { return; }
    shared_.hint.store(oldest, std::memory_order_release);
}

/// What was put back is behind any hint. So as long as there is some, somebody looks everywhere; if
/// we are killed before we say so, the supervisor does.
void NextTask::look_everywhere() noexcept {
    std::int32_t first = 0;
    for (std::uint32_t index = 0; index < shared_.capacity; ++index) {
        const std::uint32_t state = consider(index);
        if (state_of(state) != TaskState::ready) { continue; }
        const std::uint32_t note = shared_.slot(index).note.load(std::memory_order_relaxed);
        if (deaths_of(note) != 0) {
            care_.put_back.store(1, std::memory_order_relaxed);
        } else if (place_of(state) < first) {
            first = place_of(state);
        }
    }
    shared_.hint.store(end_ + static_cast<std::uint32_t>(first), std::memory_order_release);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
