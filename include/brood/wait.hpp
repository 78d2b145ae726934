// wait(): until one of several things is ready, as multiprocessing.connection.wait in Python.
#ifndef BROOD_WAIT_HPP
#define BROOD_WAIT_HPP

#include <cstddef>
#include <initializer_list>

#include <brood/connection.hpp>
#include <brood/listener.hpp>
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

namespace detail {
struct PoolCore;
using Watch = bool (*)(void* context);
Errc pool_watch(PoolCore* core, Watch watch, void* context, Timeout timeout) noexcept;
}  // namespace detail

/// Something wait() can wait for: a process that ends, an end with a message (or the end of the
/// stream), a message queue with a message, a Listener whose accept() would return at once, a
/// Future or MapFuture whose get() would, any descriptor that becomes readable. Refers to the
/// object; does not own it.
class Waitable {
public:
    /// An empty place in an array: wait() says closed.
    Waitable() noexcept = default;
    Waitable(Process& process) noexcept : process_(&process) {}
    Waitable(const Connection& end) noexcept : fd_(end.fileno()) {}
    Waitable(const PipeEnd& end) noexcept : fd_(end.fileno()) {}
    template <class T>
    Waitable(const MessageQueue<T>& queue) noexcept
        : fd_(queue.fileno()), cannot_poll_(fd_ < 0 && queue.is_open()) {}
    Waitable(Listener& listener) noexcept
        : listener_(&listener),
          listener_look_(listener.has_authkey() ? &detail::listener_look : nullptr),
          fd_(listener.fileno()) {}
    template <class R>
    Waitable(Future<R>& future) noexcept : asks_(&kAsks<Future<R>>), future_(&future) {}
    template <class R>
    Waitable(MapFuture<R>& future) noexcept : asks_(&kAsks<MapFuture<R>>), future_(&future) {}
    Waitable(int fd) noexcept : fd_(fd) {}

private:
    friend struct WaitAccess;  // src/wait.cpp
    /// What wait() asks of a kind of future. So programs without pools link none.
    struct Asks {
        Errc (*look)(void* future) noexcept;               // what its wait() says now
        detail::PoolCore* (*pool)(void* future) noexcept;  // in which it is
        Errc (*watch)(detail::PoolCore*, detail::Watch, void*, Timeout) noexcept;
    };
    template <class F>
    static Errc look(void* future) noexcept {
        return static_cast<F*>(future)->wait(Timeout::no_wait()).code();
    }
    template <class F>
    static detail::PoolCore* pool(void* future) noexcept {
        return static_cast<F*>(future)->pool();
    }
    template <class F>
    static constexpr Asks kAsks = {&look<F>, &pool<F>, &detail::pool_watch};

    Process* process_ = nullptr;
    const Asks* asks_ = nullptr;
    void* future_ = nullptr;
    Listener* listener_ = nullptr;
    bool (*listener_look_)(Listener&) noexcept = nullptr;  // one with a key
    int fd_ = -1;
    bool cannot_poll_ = false;
};

/// Waits until at least one of `items` is ready.
/// Returns: the index of the first that is; timed_out; bad_argument (none, or more than 64);
///          closed (an end that was closed); not_started (a process); collected, wrong_process (a
///          future); unsupported (a message queue where queues cannot be polled: posix).
/// Blocks:  until then, or `timeout`. It sleeps, without a look in between, on processes, pipes and
///          descriptors together with futures of pools that are PoolOptions::pollable(), and on
///          futures of one pool, whichever, alone. Other futures are nothing that a system can
///          poll, nor are, on the posix port and old kernels, processes and pollable pools: with
///          one of them it looks, first after 100 us, then less and less often, and every 10 ms in
///          the end. So it does where several threads wait in a pollable pool and there are no
///          descriptors left for the pipe by which one wakes another. Looking at a future calls
///          callbacks that are due (Future::then()). With a Listener that has a key it goes on with
///          the handshakes of clients, and looks as long as there are any.
/// Callers: any thread. Not a signal handler.
Result<std::size_t> wait(std::initializer_list<Waitable> items,
                         Timeout timeout = Timeout::forever()) noexcept;
Result<std::size_t> wait(const Waitable* items, std::size_t count,
                         Timeout timeout = Timeout::forever()) noexcept;

}  // namespace v0
}  // namespace brood

#endif
