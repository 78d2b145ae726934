#include "pool_stuck.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

std::uint32_t StuckWorkers::add(std::uint32_t index, port::Pid pid) noexcept {
    std::uint32_t place = 0;
    while (care_.stuck(shared_, place).pid.load(std::memory_order_relaxed) != 0) { ++place; }
    StuckWorker& stuck = care_.stuck(shared_, place);
    stuck.index = index;
    stuck.pid.store(pid, std::memory_order_release);
    return place + 1;
}

bool StuckWorkers::may_start(std::uint32_t living) noexcept {
    for (std::uint32_t place = 0; place < PoolCare::stuck_places(shared_); ++place) {
        const auto pid = care_.stuck(shared_, place).pid.load(std::memory_order_relaxed);
        living += pid != 0 ? 1 : 0;
    }
    return living < PoolCare::stuck_places(shared_);
}

port::Pid StuckWorkers::any() noexcept {
    port::Pid any = 0;
    for (std::uint32_t place = 0; place < PoolCare::stuck_places(shared_); ++place) {
        const port::Pid pid = care_.stuck(shared_, place).pid.load(std::memory_order_relaxed);
        if (pid != 0) { any = pid; }
    }
    return any;
}

bool StuckWorkers::reap() noexcept {
    bool has_news = false;
    for (std::uint32_t place = 0; place < PoolCare::stuck_places(shared_); ++place) {
        StuckWorker& stuck = care_.stuck(shared_, place);
        const port::Pid pid = stuck.pid.load(std::memory_order_relaxed);
        if (pid == 0) { continue; }
        const Result<port::ChildState> state = port::wait_child(pid, port::Reap::now);
        if (state.ok() && !state->ended) { continue; }
        let_go(place + 1);
        stuck.pid.store(0, std::memory_order_relaxed);
        has_news = true;
    }
    if (!has_news) { return false; }
    shared_.recalled.store(1, std::memory_order_relaxed);
    ring_host(shared_);  // Somebody may wait for room.
    return true;
}

/// Nobody else changes what has this above its state.
void StuckWorkers::let_go(std::uint32_t above) noexcept {
    for (std::uint32_t i = 0; i < shared_.capacity; ++i) {
        std::atomic<std::uint32_t>& state = shared_.slot(i).state;
        const std::uint32_t word = state.load(std::memory_order_relaxed);
        if (!has_ended(word) || word >> kStateBits != above) { continue; }
        state.store(state_word(state_of(word)), std::memory_order_release);
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
