// wait(): until one of several things is ready, as multiprocessing.connection.wait in Python.
#ifndef BROOD_WAIT_HPP
#define BROOD_WAIT_HPP

#include <cstddef>
#include <initializer_list>

#include <brood/connection.hpp>
#include <brood/pipe.hpp>
#include <brood/process.hpp>
#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

template <class T>
class MessageQueue;
template <class R>
class Future;
template <class R>
class MapFuture;

/// Something wait() can wait for: a process that ends, an end with a message (or the end of the
/// stream), a message queue with a message, a Future or MapFuture whose get() would return at once,
/// any descriptor that becomes readable. Refers to the object; does not own it.
class Waitable {
public:
    Waitable(Process& process) noexcept : process_(&process) {}
    Waitable(const Connection& end) noexcept : fd_(end.fileno()) {}
    template <class T>
    Waitable(const PipeEnd<T>& end) noexcept : fd_(end.fileno()) {}
    template <class T>
    Waitable(const MessageQueue<T>& queue) noexcept
        : fd_(queue.fileno()), cannot_poll_(fd_ < 0 && queue.is_open()) {}
    template <class R>
    Waitable(Future<R>& future) noexcept : look_(&look<Future<R>>), future_(&future) {}
    template <class R>
    Waitable(MapFuture<R>& future) noexcept : look_(&look<MapFuture<R>>), future_(&future) {}
    Waitable(int fd) noexcept : fd_(fd) {}

private:
    friend struct WaitAccess;  // src/wait.cpp
    /// What wait() of the future says now.
    template <class F>
    static Errc look(void* future) noexcept {
        return static_cast<F*>(future)->wait(Timeout::no_wait()).code();
    }
    Process* process_ = nullptr;
    Errc (*look_)(void*) = nullptr;
    void* future_ = nullptr;
    int fd_ = -1;
    bool cannot_poll_ = false;
};

/// Waits until at least one of `items` is ready.
/// Returns: the index of the first that is; timed_out; bad_argument (none, or more than 64);
///          closed (an end that was closed); not_started (a process); collected, wrong_process (a
///          future); unsupported (a message queue where queues cannot be polled: posix).
/// Blocks:  until then, or `timeout`. A future is nothing that a system can poll, nor is, on the
///          posix port and old kernels, a child: with one of them it looks, first after 100 us,
///          then less and less often, and every 10 ms in the end. Looking at a future calls
///          callbacks that are due (Future::then()).
/// Callers: any thread. Not a signal handler.
Result<std::size_t> wait(std::initializer_list<Waitable> items,
                         Timeout timeout = Timeout::forever()) noexcept;
Result<std::size_t> wait(const Waitable* items, std::size_t count,
                         Timeout timeout = Timeout::forever()) noexcept;

}  // namespace v0
}  // namespace brood

#endif
