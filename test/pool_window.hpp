// A look from outside into what the processes of a pool share: who they are, and which worker is in
// which task.
#ifndef BROOD_TEST_POOL_WINDOW_HPP
#define BROOD_TEST_POOL_WINDOW_HPP

#include <sys/types.h>
#include <sys/uio.h>

#include <atomic>
#include <cstdint>

#include "pool_inside.hpp"

namespace test {

/// Where a pool is: in memory that its host shares with who looks.
struct PoolPlace {
    std::atomic<pid_t> host, supervisor;
    std::atomic<std::uintptr_t> shared;
    std::atomic<std::size_t> bytes;

    /// By the host.
    void is_of(brood::Pool& pool) {
        const brood::detail::PoolCore& core = core_of(pool);
        supervisor.store(core.supervisor);
        bytes.store(core.shared_bytes);
        shared.store(reinterpret_cast<std::uintptr_t>(core.shared));
    }
};

/// A copy of the first of it, as it was a moment ago.
class PoolWindow {
public:
    /// From whichever of its processes lives. False: there is none, or no pool yet.
    bool look(const PoolPlace& place) {
        const std::size_t bytes = place.bytes.load();
        auto* const there = reinterpret_cast<void*>(place.shared.load());
        if (there == nullptr) { return false; }
        bytes_ = bytes < sizeof(memory_) ? bytes : sizeof(memory_);
        for (const pid_t pid : {place.host.load(), place.supervisor.load()}) {
            const iovec to = {memory_, bytes_}, from = {there, bytes_};
            const ssize_t got = process_vm_readv(pid, &to, 1, &from, 1, 0);
            if (got == static_cast<ssize_t>(bytes_)) { return is_pool(); }
        }
        return false;
    }
    brood::detail::PoolShared& shared() {
        return *reinterpret_cast<brood::detail::PoolShared*>(memory_);
    }
    const void* memory() const { return memory_; }
    std::size_t bytes() const { return bytes_; }
    /// Behind it is the care that the pool takes of its tasks.
    std::size_t table_end() {
        return shared().slots_at + std::size_t{shared().capacity} * shared().slot_bytes;
    }

    /// As many as there may be.
    std::uint32_t workers() { return shared().records; }
    /// Whether those are there, and only those, that shall be.
    template <class F>
    bool is_complete(F lives) {
        for (std::uint32_t i = 0; i < workers(); ++i) {
            const bool is_there = worker(i) != 0 && lives(worker(i));
            const bool shall_be = i < shared().workers.load();
            if (is_there != shall_be) { return false; }
        }
        return true;
    }
    /// Its process, 0 if there is none.
    pid_t worker(std::uint32_t index) { return shared().worker[index].pid.load(); }
    /// How many tasks are in that state; `of`: claimed by that worker. Of a table that fits.
    int tasks(brood::detail::TaskState state, int of = -1) {
        int count = 0;
        for (std::uint32_t i = 0; i < shared().capacity; ++i) {
            const std::uint32_t word = shared().slot(i).state.load();
            const auto by = static_cast<int>(word >> brood::detail::kStateBits);
            count += brood::detail::state_of(word) == state && (of < 0 || by == of) ? 1 : 0;
        }
        return count;
    }
    bool is_busy(std::uint32_t worker) {
        return tasks(brood::detail::TaskState::claimed, static_cast<int>(worker)) > 0;
    }

private:
    // Not what lies there now in place of a pool that has gone.
    bool is_pool() { return workers() >= 1 && workers() <= kWorkersMost && shared().capacity >= 1; }

    static constexpr std::uint32_t kWorkersMost = 16;
    alignas(64) unsigned char memory_[8192] = {};
    std::size_t bytes_ = 0;
};

}  // namespace test

#endif
