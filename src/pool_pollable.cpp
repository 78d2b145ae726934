// A pool that tells its host by descriptors.
#include "pool_pollable.hpp"

#include <utility>

#include "fork_list.hpp"
#include "launch_pipe.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// ---- In the supervisor and the workers ---------------------------------------------------------

port::Fd g_writers[kDescriptors] = {port::kNoFd, port::kNoFd};

// The pipe never has more than some bytes for each process, unless one stands still in `telling`;
// if it is full all the same, it is readable.
void tell(PoolShared& shared, std::uint32_t index) {
    if (index == shared.records) {  // the supervisor
        if (shared.recalled.exchange(0, std::memory_order_acquire) == 0) { return; }
        std::atomic_thread_fence(std::memory_order_seq_cst);  // with that in empty()
    }
    for (std::uint32_t i = 0; i < kDescriptors; ++i) {
        std::atomic<std::uint32_t>& armed = shared.armed[i];
        std::uint32_t telling = kTelling + index;
        std::uint32_t seen = armed.load(std::memory_order_relaxed);
        if (seen == kArmed) { armed.compare_exchange_strong(seen, telling); }
        if (seen == kTold) { continue; }
        // If killed here, a worker: others find `telling` and write, and so does the supervisor,
        // which reaps it. If that is killed, both ends with the pool.
        static_cast<void>(port::write_now(g_writers[i], "", 1));
        armed.compare_exchange_strong(telling, kTold);
    }
}

// ---- In the host -------------------------------------------------------------------------------

/// The pipes of a pool. The fork list knows them in the host while that has the write ends, which
/// the supervisor shall have and nobody else; in the supervisor and its workers for good, since
/// children of tasks would outlive the pool with them.
struct Pipes : ForkLink {
    port::Fd readers[kDescriptors] = {port::kNoFd, port::kNoFd};
    port::Fd writers[kDescriptors] = {port::kNoFd, port::kNoFd};
    const void* thread = port::this_thread();  // that forks the supervisor
    enum { by_host, by_supervisor, by_worker } forked = by_host;
};

void close_all(port::Fd (&fds)[kDescriptors]) noexcept {
    for (port::Fd& fd : fds) { port::close(std::exchange(fd, port::kNoFd)); }
}

bool forget_pipes(ForkLink& link) noexcept {
    Pipes& pipes = static_cast<Pipes&>(link);
    close_all(pipes.readers);
    if (pipes.forked == Pipes::by_host && pipes.thread == port::this_thread()) {
        pipes.forked = Pipes::by_supervisor;
        for (std::uint32_t i = 0; i < kDescriptors; ++i) { g_writers[i] = pipes.writers[i]; }
        g_tell = &tell;
        return true;  // This is the supervisor.
    }
    if (pipes.forked == Pipes::by_supervisor) {
        pipes.forked = Pipes::by_worker;
        return true;
    }
    close_all(pipes.writers);
    return false;
}

Status open(Pipes& pipes) noexcept {
    const ForkListHold hold;  // No fork comes between the making and the listing.
    for (std::uint32_t i = 0; i < kDescriptors; ++i) {
        port::Fd ends[2];
        const Status made = port::pipe(ends);
        if (!made.ok()) {
            close_all(pipes.readers);
            close_all(pipes.writers);
            return made;
        }
        pipes.readers[i] = ends[0];
        pipes.writers[i] = ends[1];
    }
    pipes.forget = &forget_pipes;
    fork_list_add_locked(pipes);
    return Errc::ok;
}

Status start(PoolCore& core, Status (*start_supervisor)(PoolCore& core) noexcept) noexcept {
    for (port::Fd& fd : core.descriptor) { fd = port::kNoFd; }
    Pipes pipes;  // The supervisor comes from here, and never returns to here.
    const Status opened = open(pipes);
    if (!opened.ok()) { return opened; }
    core.shared->armed[kForLoop].store(kArmed, std::memory_order_relaxed);
    const Status started = start_supervisor(core);
    const ForkListHold hold;
    fork_list_remove_locked(pipes);
    close_all(pipes.writers);
    if (started.ok()) {  // In the list there is the core by now.
        for (std::uint32_t i = 0; i < kDescriptors; ++i) { core.descriptor[i] = pipes.readers[i]; }
    } else {
        close_all(pipes.readers);
    }
    return started;
}

// Of threads that sleep on that for wait() the last closes it.
void close(PoolCore& core) noexcept {
    port::close(std::exchange(core.descriptor[kForLoop], port::kNoFd));
    if (core.is_host() && core.seated > 0) { return; }
    port::close(std::exchange(core.descriptor[kForWait], port::kNoFd));
}

/// Takes what was written, and has us told of what comes. Then look. With the mutex.
void empty(PoolCore& core, Descriptor which) noexcept {
    // A worker that was left behind keeps the pipe open: what was said last stays in it instead.
    if (core.shared->left.load(std::memory_order_acquire) != 0) {
        return note_supervisor_end(core);
    }
    char bytes[64];
    Result<std::size_t> got = sizeof bytes;
    while (got.ok() && *got == sizeof bytes) {
        got = port::read_now(core.descriptor[which], bytes, sizeof bytes);
    }
    const bool is_left = core.shared->left.load(std::memory_order_acquire) != 0;  // just now
    if (is_left || (got.ok() && *got == 0)) { note_supervisor_end(core); }
    core.shared->armed[which].store(kArmed, std::memory_order_seq_cst);
    sure_fence(core.shared->has_fences);  // with those in Worker::run() and tell()
}

void empty_for_loop(PoolCore& core) noexcept {
    const HostMutexHold hold(core.mutex);
    if (core.descriptor[kForLoop] != port::kNoFd) { empty(core, kForLoop); }
}

void recall(PoolCore& core) noexcept {
    core.shared->recalled.store(1, std::memory_order_seq_cst);
    nudge(core);
}

bool sit_down(WaitSeat& seat) noexcept {
    PoolCore& core = *seat.core;
    const HostMutexHold hold(core.mutex);
    if (core.descriptor[kForWait] == port::kNoFd) { return false; }
    ++core.in_use;  // It stays, whatever callbacks do.
    ++core.seated;
    core.shared->armed[kForWait].store(kArmed, std::memory_order_seq_cst);
    sure_fence(core.shared->has_fences);  // with those in Worker::run() and tell()
    return true;
}

void begin_turn(WaitSeat& seat) noexcept {
    const HostMutexHold hold(seat.core->mutex);
    seat.turn = seat.core->wait_turn;
}

// One thread listens at a time, and only while it sleeps. Whoever finds that another does is woken
// by it, when it has slept: with what it took from the pipe, or since nobody listens any more.
bool lie_down(WaitSeat& seat, LaunchPipe& own, port::Fd& fd) noexcept {
    PoolCore& core = *seat.core;
    const HostMutexHold hold(core.mutex);
    if (seat.turn != core.wait_turn) { return false; }
    seat.poked = port::kNoFd;
    seat.listens = !core.is_listened;
    if (seat.listens) {
        core.is_listened = true;
        fd = core.descriptor[kForWait];
        return true;
    }
    if (own.reader() == port::kNoFd && !own.open().ok()) { return true; }
    fd = own.reader();
    seat.poked = own.writer();
    seat.next = std::exchange(core.seats, &seat);
    return true;
}

void rise(WaitSeat& seat, bool is_ready) noexcept {
    PoolCore& core = *seat.core;
    const HostMutexHold hold(core.mutex);
    if (!seat.listens) {
        if (seat.poked == port::kNoFd) { return; }
        WaitSeat** link = &core.seats;
        while (*link != &seat) { link = &(*link)->next; }
        *link = seat.next;
        return;
    }
    if (is_ready) {
        empty(core, kForWait);
        ++core.wait_turn;  // Who looked before that must not sleep.
    }
    core.is_listened = false;
    for (WaitSeat* other = core.seats; other != nullptr; other = other->next) {
        port::poke(other->poked);
    }
}

void leave(WaitSeat& seat) noexcept {
    PoolCore& core = *seat.core;
    bool unused = false;
    {
        const HostMutexHold hold(core.mutex);
        --core.in_use;
        if (--core.seated == 0) {
            core.shared->armed[kForWait].store(kTold, std::memory_order_relaxed);
            if (core.handle_gone) {
                port::close(std::exchange(core.descriptor[kForWait], port::kNoFd));
            }
        }
        unused = core.is_unused();
    }
    if (unused) { PoolCore::release(&core); }
}

constexpr Pollable kPollable = {&start,      &close,    &empty_for_loop, &recall, &sit_down,
                                &begin_turn, &lie_down, &rise,           &leave};

}  // namespace
}  // namespace detail

PoolOptions& PoolOptions::pollable() noexcept {
    rest_.pollable = &detail::kPollable;
    return *this;
}

int PoolLoop::fileno() const noexcept {
    const bool has_one = core_ != nullptr && core_->pollable() != nullptr;
    return has_one ? core_->descriptor[detail::kForLoop] : port::kNoFd;
}

}  // namespace v0
}  // namespace brood
