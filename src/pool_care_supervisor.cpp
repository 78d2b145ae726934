// The supervisor of a pool that takes care of its tasks.
#include "pool_care.hpp"
#include "pool_supervisor.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

class Care {
public:
    static constexpr bool kHeedsPauses = false;

    explicit Care(PoolCore& core) noexcept
        : core_(core), shared_(*core.shared), care_(PoolCare::of(shared_)) {}

    /// Why the pool cannot be as it was asked for; ok if it can.
    Errc check() const noexcept {
        return core_.max_tasks() == UINT32_MAX ? Errc::bad_argument : check_terms(core_.terms());
    }

    void will_start(std::uint32_t index) noexcept {
        ::new (&care_.worker[index]) WorkerCare();
        // The one before may have been killed between its look at this and its claim.
        care_.put_back.store(1, std::memory_order_release);
    }
    [[noreturn]] static void run_worker(PoolCore& core, std::uint32_t index, port::Pid supervisor,
                                        port::Fd wake) noexcept {
        run_careful_worker(core, index, supervisor, wake);
    }

    /// The worker of that index has been reaped and had claimed the task. False: it died in it, and
    /// that is all.
    bool ends_otherwise(Slot& slot, std::uint32_t index) noexcept {
        WorkerCare& worker = care_.worker[index];
        if (worker.computed.load(std::memory_order_acquire) != 0) {
            __builtin_memcpy(slot.payload(), care_.room(shared_, index),
                             PoolCare::room_bytes(shared_));
            slot.state.store(state_word(TaskState::done), std::memory_order_release);
            return true;
        }
        const std::uint32_t note = slot.note.load(std::memory_order_relaxed);
        if (deaths_of(note) >= terms_of(core_, slot).retries) { return false; }
        slot.note.fetch_add(kOneDeath, std::memory_order_relaxed);
        slot.state.store(state_word(TaskState::ready), std::memory_order_release);
        // Workers are rung for after each death.
        care_.put_back.store(1, std::memory_order_release);
        return true;
    }

    static std::int64_t look() noexcept { return port::kNever; }
    static void note_pause() noexcept {}

private:
    PoolCore& core_;
    PoolShared& shared_;
    PoolCare& care_;
};

}  // namespace

void supervise_with_care(PoolCore& core, port::Pid host) noexcept {
    supervise<Care>(core, host);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
