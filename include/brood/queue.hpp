// Queue<T>: messages of one type through shared memory, as multiprocessing.Queue in Python.
#ifndef BROOD_QUEUE_HPP
#define BROOD_QUEUE_HPP

#include <type_traits>
#include <utility>

#include <brood/detail/ring_handle.hpp>
#include <brood/detail/shell_access.hpp>

namespace brood {
inline namespace v0 {

/// A queue that any number of processes and threads put into and get from, in order of arrival.
///
/// put() is synchronous: when it returns, the message is in the queue and survives its sender. So
/// what Python's join_thread() and cancel_join_thread() repair cannot happen here.
///
/// Memory: allocated when the queue is made: maxsize messages (rounded up to a power of two, each
///         to 8 bytes) and 1 KiB. 64 KiB more for the first queue of a process and its children:
///         the table of those who use it, at most 510 threads at a time; a process that waits
///         takes no more than its place there. No heap.
///         With maxsize 0: 16 KiB, or four messages, at first. It doubles when a put finds it full,
///         and shrinks as gets drain it: empty, it is as it was (posix: the memory is kept for the
///         next burst). It lies in addresses reserved for 2^28 messages, or for as many bytes as
///         the system has memory (posix: 1 GiB; 32 bits: 256 MiB), or fewer where RLIMIT_AS says
///         so. mlockall(MCL_CURRENT) would fill them: a program that calls it bounds its queues.
///         With a name: whole pages in /dev/shm, 17 KiB and the messages, for at most 126 threads
///         at a time; and one page in each process that has it open.
/// Fork:   make it before fork(); parent and children share it. A child is a user of its own.
/// Names:  as SharedMemory, for processes that are not of one family, but in one PID namespace.
///         Linux: also of another word size, if T has the same layout there; posix: of one libc and
///         word size. A thread uses at most 8 such queues at a time: of more, put() and get() say
///         too_many_members. It leaves one by close(), when it ends, and when the handle ends that
///         it used, if it ends that itself. So other threads close() first: a handle that ends
///         while they have not leaves the queue mapped until the process ends.
///         What strangers may have written there is not trusted: a queue that can be opened may
///         give any messages then, but touches no memory outside. (Who writes there while others
///         use it, other than by Queue, can harm them, as can who truncates it.)
/// Crash:  see each operation. No kill, at whatever instruction, wedges or corrupts the others.
///         A stopped process (SIGSTOP) is not dead: in the middle of an operation it keeps its
///         side of the queue, and others wait for it or time out. A put that makes a queue without
///         a bound grow uses both sides: it waits for one who is stopped in the middle of a get,
///         too, and takes as long as it takes to copy half of the messages.
/// Waits:  a short spin where there are several processors, then asleep: an idle waiter causes no
///         wake-ups. The death of any process wakes whom it must.
/// Callers: any process, any thread. Not a signal handler; not with longjmp or cancellation.
template <class T>
class Queue {
    static_assert(std::is_trivially_copyable_v<T>,
                  "a queue carries bytes: use Text<N>, Bytes<N>, a struct of plain fields, or an "
                  "index into an Array");
    static_assert(alignof(T) <= 64, "messages in shared memory are aligned to at most 64 bytes");

public:
    using value_type = T;

    /// A queue for at most `maxsize` messages at a time; 0: for as many as there is memory for.
    /// Errors: size_too_large (more than 2^28 messages, or bytes in one), no_memory, no_space,
    /// too_many_files, unsupported.
    static Result<Queue> create(std::size_t maxsize = 0) noexcept {
        Result<detail::RingHandle> made = detail::RingHandle::make(sizeof(T), maxsize);
        if (!made.ok()) { return made.error(); }
        return Queue(std::move(*made));
    }

    /// A queue that others open by its name, for at most `maxsize` messages at a time.
    /// Errors: size_zero (a queue with a name has a bound), size_too_large, already_exists,
    /// not_permitted, no_space, no_memory, too_many_files, bad_argument, the name_* ones.
    /// Killed here: open() says not_ready, or finds the queue; the next create_named() replaces one
    /// that is not ready.
    static Result<Queue> create_named(const char* name, std::size_t maxsize,
                                      Access access = Access::owner) noexcept {
        return wrap(detail::RingHandle::create_named(name, sizeof(T), maxsize, access));
    }
    /// One that another process, or this one, has made. Waits until `timeout` for a creator who is
    /// not done.
    /// Errors: not_found, not_ready, type_mismatch, version_mismatch, layout_mismatch, corrupt,
    /// size_too_large, not_permitted, too_many_files, no_memory, the name_* ones; unsupported (its
    /// creator had membarrier(2), which is refused here).
    /// Killed here: nothing is changed.
    static Result<Queue> open(const char* name, Timeout timeout = seconds(1)) noexcept {
        return wrap(detail::RingHandle::open(name, sizeof(T), timeout));
    }
    /// Removes a name; those who have it open keep it. Errors: as SharedMemory::remove().
    static Status remove(const char* name) noexcept { return SharedMemory::remove(name); }

    Queue() noexcept = default;

    /// Blocks until there is room. Returns: ok; full (no_wait() only); timed_out; would_block
    /// (no_wait(), and another is in the middle of an operation); closed; too_many_members;
    /// unsupported. With maxsize 0, in place of full: no_space, no_memory; too_many_files (posix).
    /// Killed here: the message is in the queue whole, or not at all.
    Status put(const T& message, Timeout timeout = Timeout::forever()) noexcept {
        return ring_.put_one(&message, timeout);
    }
    Status put_nowait(const T& message) noexcept { return put(message, Timeout::no_wait()); }

    /// Blocks until there is a message. Returns: it; empty (no_wait() only); timed_out;
    /// would_block; closed (shut down, and nothing is left); too_many_members; unsupported. When
    /// nothing is left and all producers(n) have ended: closed; peer_died (one did not close()).
    /// Killed here: the message is still in the queue, or it went with the caller: see lost().
    Result<T> get(Timeout timeout = Timeout::forever()) noexcept {
        return Result<T>::filled_by([&](void* bytes) { return ring_.get_one(bytes, timeout); });
    }
    Result<T> get_nowait() noexcept { return get(Timeout::no_wait()); }

    /// Puts as many of `count` messages as there is room for, at least one: how many. Blocks until
    /// there is room for one. Errors: as put(). Killed here: all of them are in the queue, or none.
    /// With maxsize 0 there is room for all, if there is memory.
    Result<std::size_t> put_many(const T* messages, std::size_t count,
                                 Timeout timeout = Timeout::forever()) noexcept {
        return ring_.put(messages, count, timeout);
    }
    /// Gets up to `count` messages, at least one: how many. Blocks until there is one.
    /// Errors: as get(). Killed here: none is taken, or all of them.
    Result<std::size_t> get_many(T* messages, std::size_t count,
                                 Timeout timeout = Timeout::forever()) noexcept {
        return ring_.get(messages, count, timeout);
    }

    /// As of now: others may change it at any moment.
    std::size_t qsize() const noexcept { return ring_.size(); }
    bool empty() const noexcept { return qsize() == 0; }
    /// Never, with maxsize 0.
    bool full() const noexcept { return maxsize() != 0 && qsize() >= maxsize(); }
    std::size_t maxsize() const noexcept { return ring_.most(); }
    /// "" if it has none.
    const char* name() const noexcept { return ring_.name(); }
    /// The creator's destructor will leave the name in place.
    void keep_name() noexcept { ring_.keep_name(); }

    /// Messages that went with those who had got them: each that a thread had got last, by one get
    /// or get_many, when it died. With its next operation on any queue, or close() or the end of
    /// this handle, or task_done(), it says that it has handled them; so it does when its process
    /// ends by brood: a Process returns from its function, this_process::exit(). Whoever ends in
    /// another way right after a get counts as killed.
    /// Blocks: 10 ms at most, if another who counts is stopped; then it may lack some.
    /// (When all 510 places of the table are taken by the dead of other queues, what one of them
    /// had got may not be counted.)
    std::size_t lost() const noexcept { return ring_.lost(); }

    /// Tells getters that `count` threads will put, so that they hear when all have ended: see
    /// get(). Until so many have put or called enroll(), and all of them have ended, an empty queue
    /// makes them wait. Call it before fork(): those who were forked earlier know nothing of it.
    /// At most `count` produce at a time: to more, put() says too_many_members. Once so many have
    /// been known, one who ended makes room for another, who counts in his stead; those who died
    /// are replaced first.
    /// A producer who is killed before his first put, or enroll(), was never known: getters wait
    /// for another in his place.
    /// Waits:  a getter hears of the last death at once (posix, and before Linux 5.16: within 250
    ///         ms). Idle, it causes no wake-ups once all have enrolled; before, one a second.
    /// Memory: 128 bytes for each. Errors: size_zero, size_too_large (more than 127),
    /// already_exists (called before), no_memory, no_space, closed (no queue), unsupported (one
    /// with a name).
    Status producers(std::size_t count) noexcept { return ring_.producers(count); }
    /// Makes the caller a producer, as its first put does. Returns: ok (also if it is one);
    /// too_many_members; bad_argument (producers() was not called); closed; unsupported.
    /// Killed here: it is a producer who died, or never was one.
    Status enroll() noexcept { return ring_.enroll(); }

    /// This handle puts no more; others are not told. The calling thread, if it is one of
    /// producers(n), has ended in order: getters are told. One that ends without, has died; the
    /// end of a handle closes it. (Each thread calls it that put, even by the same handle.)
    /// Of a queue with a name, the calling thread is no user any more, until its next get.
    /// Killed here: it has ended in order, or died.
    void close() noexcept { ring_.close(); }
    /// For everybody: puts fail with `closed` from now on, and gets when nothing is left. Wakes
    /// those who wait. Returns: ok; closed (no queue). (JoinableQueue: also too_many_members,
    /// unsupported.)
    /// Killed here: it is shut down, and everybody is told, or it is not.
    Status shutdown(Shutdown how = Shutdown::drain) noexcept { return ring_.shutdown(how); }

protected:
    friend struct detail::ShellAccess;
    static Result<Queue> wrap(Result<detail::RingHandle> ring) noexcept {
        if (!ring.ok()) { return ring.error(); }
        return Queue(std::move(*ring));
    }
    explicit Queue(detail::RingHandle&& ring) noexcept : ring_(std::move(ring)) {}
    detail::RingHandle ring_;
};

}  // namespace v0
}  // namespace brood

#endif
