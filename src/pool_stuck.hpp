// Workers that SIGKILL has not ended in its time: they sleep in the kernel, which lets nobody
// interrupt that. The task of such a one has ended, its place has another worker, and it waits here
// to be reaped, for as long as it may take.
//
// It runs no instruction of the program any more: a process that has a signal which kills it gets
// that on its way back from the kernel, before the program goes on; and by the end of its time it
// was there, since a kill interrupts whoever runs. So it writes neither its records nor the state
// of a task. But the system call, or the page fault, that it is in may be carried out when it
// wakes, and write where the task asked for it: into a block, in which a task makes a large result
// in place. So the slot of its task, and with that the block, is not used anew before it is reaped:
// above the state of that stands the number of its place here, + 1, and the host leaves it alone.
#ifndef BROOD_SRC_POOL_STUCK_HPP
#define BROOD_SRC_POOL_STUCK_HPP

#include <cstdint>

#include "pool_care.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// The supervisor's.
class StuckWorkers {
public:
    StuckWorkers(PoolShared& shared, PoolCare& care) noexcept : shared_(shared), care_(care) {}

    /// Takes one in, for whom may_start() has kept a place. What is to stand above the state of its
    /// task.
    std::uint32_t add(std::uint32_t index, port::Pid pid) noexcept;
    /// Whether one more worker, beside so many, would find a place if all were stuck.
    bool may_start(std::uint32_t living) noexcept;
    /// The pid of one of them; 0: there is none.
    port::Pid any() noexcept;
    /// Of those who have ended after all: the memory of their tasks may be used again. Whether
    /// there were any.
    bool reap() noexcept;

private:
    void let_go(std::uint32_t above) noexcept;

    PoolShared& shared_;
    PoolCare& care_;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
