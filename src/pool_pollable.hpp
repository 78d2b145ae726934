// How a pool tells its host by descriptors, on which the host sleeps together with others: one for
// the host's own loop, which Pool::poll() empties, one for wait(), which empties that itself.
//
// Each is the end of a pipe whose other end the supervisor and the workers have, and nobody else:
// if they are gone, it is readable for good. A byte is written only if the host is to be told:
//
//   told -> armed     the host, after it has emptied the pipe and before it looks at tasks
//   armed -> telling  a worker that has ended a task, by one CAS that names it; it then writes
//   telling -> told   that worker, when it has written, by one CAS
//   any -> told       the host, when nobody waits
//
// Whoever ends a task and finds anything but `told` writes a byte. So who is killed or stopped
// between his two steps holds up nobody: the others write, too. In `told` there is a byte that was
// written since the host armed it, or the host is about to arm it, and to look: so it sees what
// was stored before. No worker can take `telling` of one time for that of another: only it, or its
// successor after its death, brings that about, and only from `armed`. So no number of times that
// the host goes round while it is stopped makes its second CAS wrong.
#ifndef BROOD_SRC_POOL_POLLABLE_HPP
#define BROOD_SRC_POOL_POLLABLE_HPP

#include "pool_core.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

class LaunchPipe;

/// Where a thread of the host sits in wait(), for one pool.
struct WaitSeat {
    PoolCore* core;
    std::size_t item;    // of the wait, in whose place the pool is polled
    std::uint32_t turn;  // PoolCore::wait_turn before its last look
    bool listens;        // on the pool's descriptor; otherwise on a pipe of its own
    port::Fd poked;      // the other end of that pipe
    WaitSeat* next;
};

/// In the processes of such a pool: tells the host. `index`: of a worker, which has stored the end
/// of a task and a fence; or behind them, of the supervisor: if it has reason to, then. Null in the
/// processes of other pools.
inline void (*g_tell)(PoolShared& shared, std::uint32_t index) = nullptr;

/// What the host does for such a pool only. Programs without one do not link it.
struct Pollable {
    /// Makes the descriptors, and then the supervisor. Errors: too_many_files, its own.
    Status (*start)(PoolCore& core, Status (*start_supervisor)(PoolCore& core) noexcept) noexcept;
    /// When the pool is destroyed, with the mutex, and in a child that somebody forked.
    void (*close)(PoolCore& core) noexcept;
    /// Empties the descriptor of its loop.
    void (*empty)(PoolCore& core) noexcept;
    /// Has the supervisor make it readable: there is something for poll() to do. With the mutex.
    void (*recall)(PoolCore& core) noexcept;
    /// Takes part in what ends from now on. False: the pool has no descriptor any more.
    bool (*sit_down)(WaitSeat& seat) noexcept;
    /// Before a look at tasks.
    void (*begin_turn)(WaitSeat& seat) noexcept;
    /// Before the sleep. False: look again first. `fd`: what to sleep on; kNoFd: on nothing, but in
    /// slices. `own`: a pipe of this thread, opened if it is needed.
    bool (*lie_down)(WaitSeat& seat, LaunchPipe& own, port::Fd& fd) noexcept;
    /// After it.
    void (*rise)(WaitSeat& seat, bool is_ready) noexcept;
    void (*leave)(WaitSeat& seat) noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
