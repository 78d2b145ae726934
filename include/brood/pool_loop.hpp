// PoolLoop: what a Pool has for a host that waits for many things in a loop of its own.
#ifndef BROOD_POOL_LOOP_HPP
#define BROOD_POOL_LOOP_HPP

#include <cstddef>

#include <brood/pool_maps.hpp>
#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// The part of a Pool for event loops: see Pool for memory, fork, crashes and threads. A loop on
/// epoll, and it would be the same on poll(2) or a library's:
///
///     Pool pool = Pool::create(PoolOptions().pollable()).expect("making the pool");
///     epoll_event event = {EPOLLIN, {}};
///     epoll_ctl(loop, EPOLL_CTL_ADD, pool.fileno(), &event);
///     pool.apply_async(square, 12u)->then(print, report);  // called in poll()
///     Future<unsigned> other = pool.apply_async(square, 13u).expect("submitting");
///     while (epoll_wait(loop, &event, 1, -1) > 0) {        // and what else is in the loop
///         pool.poll().ignore();                            // first this, which empties it,
///         if (other.ready()) use(other.get());             // then a look at each Future
///         if (pool.supervisor_pid() == 0) break;           // the pool has ended
///     }
class PoolLoop : public PoolMaps {
public:
    /// Calls the callbacks of what has ended (Future::then()) and lets maps send what they have
    /// left; waits until at least one callback was called or map_async() has ended. Before all that
    /// it empties fileno(): what ends from then on makes that readable again.
    /// Returns: how many; 0 if there is none to wait for; timed_out; closed; wrong_process;
    ///          timeout_negative, timeout_overflow.
    Result<std::size_t> poll(Timeout timeout = Timeout::no_wait()) noexcept;

    /// The descriptor of a pool that is PoolOptions::pollable(): the pool's own, until it is
    /// destroyed. -1 without, if moved from, and in a forked child of the host. Take it out of the
    /// loop before the Pool goes.
    /// Readable: when a task has ended, in whatever way, since poll() was called last. It says so
    ///          until poll() is called, and of many ends at once. It may say so too often.
    ///          When the pool has ended or is broken, for good: then supervisor_pid() is 0 after
    ///          poll(). (Posix, and in a sandbox that forbids prctl(2): of a supervisor that was
    ///          killed it tells when a worker ends its task, or all have gone: those without one do
    ///          within 250 ms. Put a time-out in the loop there.)
    /// A map_async() that found the table full of Futures goes on in the poll() after their get().
    /// Callers: any thread, also a signal handler. One loop for each pool: who calls poll() has to
    ///          look at all that wait. Nobody but poll() shall read from it. wait(), get() and the
    ///          like in other threads leave it as it is.
    /// Killed here: nothing happens. A worker that is killed before it has told of the end of its
    ///          task: the supervisor, which reaps it, tells.
    int fileno() const noexcept;
};

}  // namespace v0
}  // namespace brood

#endif
