// JoinableQueue<T>: a queue that knows what is still to be done, as in Python's multiprocessing.
#ifndef BROOD_JOINABLE_QUEUE_HPP
#define BROOD_JOINABLE_QUEUE_HPP

#include <utility>

#include <brood/queue.hpp>

namespace brood {
inline namespace v0 {

/// A Queue whose getters say when they are done with a message, and others wait until all are.
///
/// A message is unfinished from the put that brings it until task_done(). Between its get and that
/// the thread that got it holds it: if the thread ends, killed or not, the message is abandoned,
/// and join() says so instead of waiting for ever.
///
/// Memory: 16 KiB more than a Queue: the records of at most 126 threads at a time that get, or call
///         task_done(); to others these fail with too_many_members. No heap.
/// Fork:   as Queue. What a process has got is not its child's.
/// Crash:  as Queue, and see each operation. No kill wedges a join, or makes it miscount.
/// Waits:  asleep: an idle joiner causes no wake-ups, and the death of a holder wakes it.
/// Callers: any process, any thread. Not a signal handler. The handle outlives the threads of its
///         process that use it, or its memory stays until the process ends.
template <class T>
class JoinableQueue : public Queue<T> {
public:
    /// Errors: as Queue's.
    static Result<JoinableQueue> create(std::size_t maxsize = 0) noexcept {
        Result<detail::RingHandle> made = detail::RingHandle::make(sizeof(T), maxsize);
        if (!made.ok()) { return made.error(); }
        const Status joinable = made->make_joinable();
        if (!joinable.ok()) { return joinable.error(); }
        return JoinableQueue(std::move(*made));
    }

    /// There is none with a name.
    static Result<JoinableQueue> create_named(const char* name, std::size_t maxsize,
                                              Access access = Access::owner) noexcept = delete;
    static Result<JoinableQueue> open(const char* name,
                                      Timeout timeout = seconds(1)) noexcept = delete;

    JoinableQueue() noexcept = default;

    /// A message that was got is done; n calls for n messages of get_many(). It need not be the
    /// getter who calls: one who holds nothing does so for some living thread that does. So let
    /// either the getters call, or others, not both.
    /// Blocks:  while another is in the middle of the same.
    /// Returns: ok; too_many_task_done (all that was got is done or written off); closed (no
    ///          queue); too_many_members; unsupported.
    /// Killed here: it is done, and joiners are told, or it is not, and is abandoned.
    Status task_done() noexcept { return this->ring_.task_done(); }

    /// Waits until nothing is unfinished: all that was put has been got and is done. (After
    /// shutdown(Shutdown::now): all that was got.)
    /// Returns: ok; abandoned, when those who held messages have died: Error::detail() says how
    ///          many. These count as finished from then on: put anew what must be done, and join
    ///          again for the rest. Each handle reports each of them once. timed_out; closed (no
    ///          queue); timeout_negative, timeout_overflow.
    /// Killed here: nothing is changed, and others who join are woken as they must.
    Status join(Timeout timeout = Timeout::forever()) noexcept { return this->ring_.join(timeout); }

private:
    friend struct detail::ShellAccess;
    explicit JoinableQueue(detail::RingHandle&& ring) noexcept : Queue<T>(std::move(ring)) {}
};

}  // namespace v0
}  // namespace brood

#endif
