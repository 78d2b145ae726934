// How a supervisor ends its workers, and what becomes of those that do not end.
#include "pool_supervisor.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// Who has not ended so long after SIGKILL is in a sleep that the system does not interrupt.
constexpr std::int64_t kKilledPatienceNs = 1000000000, kKilledLookNs = 1000000;

}  // namespace

void signal_workers(PoolShared& shared, int signal) noexcept {
    for (std::uint32_t index = 0; index < shared.records; ++index) {
        const port::Pid pid = shared.worker[index].pid.load(std::memory_order_relaxed);
        if (pid != 0) { port::signal_process(pid, port::kNoFd, signal).ignore(); }
    }
}

void end_workers(PoolShared& shared) noexcept {
    signal_workers(shared, kKill);
    const std::int64_t until_ns = port::now_ns() + kKilledPatienceNs;
    for (std::uint32_t index = 0; index < shared.records;) {
        std::atomic<std::int32_t>& record = shared.worker[index].pid;
        const port::Pid pid = record.load(std::memory_order_relaxed);
        if (pid != 0) {
            const Result<port::ChildState> state = port::wait_child(pid, port::Reap::now);
            if (!state.ok() || state->ended) {
                record.store(0, std::memory_order_relaxed);
            } else if (port::now_ns() < until_ns) {
                port::sleep_until(port::now_ns() + kKilledLookNs);
                continue;
            }
        }
        ++index;
    }
}

void say_who_is_left(PoolShared& shared, port::Pid stuck) noexcept {
    for (std::uint32_t index = 0; index < shared.records; ++index) {
        const port::Pid pid = shared.worker[index].pid.load(std::memory_order_relaxed);
        if (pid != 0) { stuck = pid; }
    }
    if (stuck == 0) { return; }
    shared.left.store(stuck, std::memory_order_release);
    if (g_tell == nullptr) { return; }
    // It has the descriptors, whose end would tell.
    for (std::atomic<std::uint32_t>& armed : shared.armed) { armed.store(kArmed); }
    shared.recalled.store(1, std::memory_order_relaxed);
    g_tell(shared, shared.records);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
