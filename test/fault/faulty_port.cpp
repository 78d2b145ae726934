// The faulty layer: every entry of port/port.hpp, passing on to the real one.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <new>

// The page twice: the layer below, which the port implements, and this one.
#undef BROOD_PORT_LAYER
#define BROOD_PORT_LAYER os
#include <port/port.hpp>
#undef BROOD_PORT_LAYER
#define BROOD_PORT_LAYER faulty
#include <port/port.hpp>

#include "fault.hpp"

namespace fault {
namespace {

using brood::Errc;
using brood::Error;

struct Shortage {
    const char* entry;
    Error error;
};
const Shortage kShortages[] = {
    {"fork", Error(Errc::too_many_processes, EAGAIN)},
    {"spawn", Error(Errc::too_many_processes, EAGAIN)},
    {"watch_process", Error(Errc::too_many_files, EMFILE)},
    {"pipe", Error(Errc::too_many_files, EMFILE)},
    {"at_fork", Error(Errc::no_memory, ENOMEM)},
    {"null_input", Error(Errc::too_many_files, EMFILE)},
    {"map_shared", Error(Errc::no_space, ENOSPC)},
    {"reserve_shared", Error(Errc::no_memory, ENOMEM)},
    {"allocate_reserved", Error(Errc::no_space, ENOSPC)},
    {"give_back", Error(Errc::unsupported, EINVAL)},
    {"map_private", Error(Errc::no_memory, ENOMEM)},
    {"map_object", Error(Errc::no_memory, ENOMEM)},
    {"create_object", Error(Errc::too_many_files, EMFILE)},
    {"open_object", Error(Errc::too_many_files, EMFILE)},
    {"allocate_object", Error(Errc::no_space, ENOSPC)},
    {"mark_object", Error(Errc::no_space, ENOSPC)},
    {"lock_object", Error(Errc::system_error, ENOLCK)},
    {"bell_init", Error(Errc::no_memory, ENOMEM)},
    {"mutex_init", Error(Errc::no_memory, ENOMEM)},
    {"bell_keep", Error(Errc::unsupported, ENOSYS)},
    {"die_with_parent", Error(Errc::unsupported, ENOSYS)},
    {"die_with_pipe", Error(Errc::unsupported, ENOSYS)},
    {"mq_create", Error(Errc::no_memory, ENOMEM)},
    {"mq_create_nameless", Error(Errc::too_many_files, EMFILE)},
    {"mq_open", Error(Errc::too_many_files, EMFILE)},
    {"mq_state", Error(Errc::unsupported, ENOSYS)},
    {"sem_create", Error(Errc::no_space, ENOSPC)},
    {"sem_open", Error(Errc::too_many_files, EMFILE)},
    {"random_bytes", Error(Errc::unsupported, ENOSYS)},
    {"socket_listen", Error(Errc::too_many_files, EMFILE)},
    {"socket_accept", Error(Errc::too_many_files, EMFILE)},
    {"socket_connect", Error(Errc::too_many_files, EMFILE)},
    {"socket_connected", Error(Errc::refused, ECONNREFUSED)},
    {"socket_send", Error(Errc::no_memory, ENOMEM)},
    {"socket_send_fd", Error(Errc::no_memory, ENOMEM)},
    {"socket_receive_fd", Error(Errc::too_many_files, EMFILE)},
};

struct State {
    Plan plan;
    std::atomic<std::uint32_t> calls{0};
    std::atomic<std::uint32_t> has_struck{0};
};

State* make_state() {
    void* const page =
        mmap(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) { abort(); }
    return new (page) State;
}

State* g_state = nullptr;
std::uint32_t g_depth = 0;  // forks between the process that armed the plan and this one
pid_t g_pid = 0;            // whose depth that is

const Error* shortage_of(const char* entry) {
    for (const Shortage& shortage : kShortages) {
        if (strcmp(shortage.entry, entry) == 0) { return &shortage.error; }
    }
    return nullptr;
}

/// Counts a call of `entry`, kills or stops the process if the plan says so here, and returns the
/// error that the call shall end with; null: it goes on.
const Error* strike(const char* entry) {
    if (g_state == nullptr) { return nullptr; }
    const Plan& plan = g_state->plan;
    if (g_pid != getpid()) {
        g_pid = getpid();
        ++g_depth;
    }
    if (plan.act == Act::none || plan.depth != g_depth || struck()) { return nullptr; }
    if (plan.entry != nullptr && strcmp(plan.entry, entry) != 0) { return nullptr; }
    const Error* const error = plan.error != Errc::ok ? &plan.error : shortage_of(entry);
    if (plan.act == Act::fail && error == nullptr) { return nullptr; }
    if (g_state->calls.fetch_add(1) + 1 != plan.nth) { return nullptr; }
    g_state->has_struck.store(1);
    if (plan.act == Act::kill) { raise(SIGKILL); }
    if (plan.act == Act::stop) { raise(SIGSTOP); }
    return plan.act == Act::fail ? error : nullptr;
}

}  // namespace

void arm(const Plan& plan) {
    if (g_state == nullptr) { g_state = make_state(); }
    disarm();
    g_depth = 0;
    g_pid = getpid();
    g_state->calls.store(0);
    g_state->has_struck.store(0);
    g_state->plan = plan;
}

void disarm() {
    if (g_state != nullptr) { g_state->plan = Plan(); }
}

bool struck() {
    return g_state != nullptr && g_state->has_struck.load() != 0;
}

std::uint32_t calls() {
    return g_state == nullptr ? 0 : g_state->calls.load();
}

}  // namespace fault

namespace brood::port {
inline namespace faulty {

using fault::strike;

const char* const kName = os::kName;
const int kSignalChild = os::kSignalChild;
const int kSignalContinue = os::kSignalContinue;

[[noreturn]] void exit_now(int code) noexcept {
    static_cast<void>(strike("exit_now"));
    os::exit_now(code);
}

[[noreturn]] void exit_program(int code) noexcept {
    static_cast<void>(strike("exit_program"));
    os::exit_program(code);
}

// Called any number of times while somebody waits, so they are no places that a sweep could count.
void yield() noexcept {
    os::yield();
}

void cpu_relax() noexcept {
    os::cpu_relax();
}

// Entries that can return an error, and those that cannot: these can only be killed in.
#define FALLIBLE(type, name, parameters, arguments)                      \
    type name parameters noexcept {                                      \
        if (const Error* const error = strike(#name)) { return *error; } \
        return os::name arguments;                                       \
    }
#define INFALLIBLE(type, name, parameters, arguments) \
    type name parameters noexcept {                   \
        static_cast<void>(strike(#name));             \
        return os::name arguments;                    \
    }

INFALLIBLE(const void*, this_thread, (), ())
FALLIBLE(Result<Pid>, fork, (), ())
INFALLIBLE(Pid, process_id, (), ())
INFALLIBLE(Pid, parent_id, (), ())
FALLIBLE(Result<Fd>, watch_process, (Pid pid), (pid))
FALLIBLE(Result<ChildState>, wait_child, (Pid pid, Reap how), (pid, how))
FALLIBLE(Result<ChildState>, wait_watched, (Pid pid, Fd watch, Reap how), (pid, watch, how))
INFALLIBLE(bool, is_stopped, (Pid pid), (pid))
FALLIBLE(Status, signal_process, (Pid pid, Fd watch, int signal), (pid, watch, signal))
FALLIBLE(Status, signal_group, (Pid group, int signal), (group, signal))
FALLIBLE(Status, die_with_parent, (Pid parent), (parent))
INFALLIBLE(void, proof_init, (ProofOfLife & proof), (proof))
INFALLIBLE(void, proof_give, (ProofOfLife & proof), (proof))
INFALLIBLE(void, proof_end, (ProofOfLife & proof), (proof))
FALLIBLE(Status, die_with_pipe, (Fd lifeline), (lifeline))
FALLIBLE(Status, lead_group, (), ())
INFALLIBLE(bool, adopts_orphans, (), ())
FALLIBLE(Status, at_fork, (void (*before)(), void (*parent)(), void (*child)()),
         (before, parent, child))
FALLIBLE(Result<Pid>, spawn, (const SpawnPlan& plan), (plan))
INFALLIBLE(std::uint32_t, usable_cpus, (), ())
INFALLIBLE(bool, has_parallel_cpus, (), ())
INFALLIBLE(bool, flush_streams, (), ())
INFALLIBLE(void, discard_streams, (), ())
INFALLIBLE(void, print_error, (const char* text, std::size_t bytes), (text, bytes))
INFALLIBLE(const char*, error_text, (std::int32_t os_error), (os_error))

INFALLIBLE(const SignalEntry*, signal_table, (std::size_t & count), (count))
INFALLIBLE(const char*, signal_name, (std::int32_t signal), (signal))
FALLIBLE(Status, signal_action, (int signal, const SignalAction* action, SignalAction* before),
         (signal, action, before))
INFALLIBLE(SignalMask, signal_mask, (MaskChange how, SignalMask mask), (how, mask))
INFALLIBLE(void, reset_signals, (), ())
FALLIBLE(Result<std::int32_t>, signal_wait, (SignalMask set, std::int64_t deadline_ns),
         (set, deadline_ns))
INFALLIBLE(void, signal_pause, (), ())
FALLIBLE(Result<std::int64_t>, alarm_clock, (std::int64_t ns), (ns))
INFALLIBLE(std::int64_t, alarm_repeat, (std::int64_t ns), (ns))

FALLIBLE(Status, pipe, (Fd ends[2]), (ends))
FALLIBLE(Result<std::size_t>, read, (Fd fd, void* buffer, std::size_t bytes), (fd, buffer, bytes))
FALLIBLE(Result<std::size_t>, read_now, (Fd fd, void* buffer, std::size_t bytes),
         (fd, buffer, bytes))
FALLIBLE(Result<std::size_t>, write, (Fd fd, const void* data, std::size_t bytes),
         (fd, data, bytes))
FALLIBLE(Status, read_record, (Fd fd, void* record, std::size_t bytes), (fd, record, bytes))
FALLIBLE(Status, write_record, (Fd fd, const void* record, std::size_t bytes), (fd, record, bytes))
FALLIBLE(Result<std::size_t>, write_now, (Fd fd, const void* data, std::size_t bytes),
         (fd, data, bytes))
INFALLIBLE(void, poke, (Fd fd), (fd))
INFALLIBLE(void, assume_broken_pipe_ignored, (bool assume), (assume))
INFALLIBLE(std::size_t, pipe_atomic, (), ())
INFALLIBLE(void, close, (Fd fd), (fd))
FALLIBLE(Status, duplicate_to, (Fd fd, Fd target), (fd, target))
FALLIBLE(Status, null_input, (), ())
INFALLIBLE(void, close_all_but, (const Fd* keep, std::size_t count), (keep, count))
FALLIBLE(Result<std::size_t>, poll, (PollItem * items, std::size_t count, std::int64_t deadline_ns),
         (items, count, deadline_ns))

FALLIBLE(Result<Fd>, socket_listen,
         (Address & address, const ListenPlan& plan, ObjectIdentity& file), (address, plan, file))
FALLIBLE(Result<Fd>, socket_accept, (Fd listener, Address& peer), (listener, peer))
FALLIBLE(Result<Fd>, socket_connect, (const Address& address), (address))
FALLIBLE(Status, socket_connected, (Fd socket), (socket))
FALLIBLE(Result<std::size_t>, socket_send, (Fd socket, const void* data, std::size_t bytes),
         (socket, data, bytes))
FALLIBLE(Status, socket_send_fd, (Fd socket, Fd sent), (socket, sent))
FALLIBLE(Result<Fd>, socket_receive_fd, (Fd socket), (socket))
INFALLIBLE(void, socket_shutdown, (Fd socket), (socket))
INFALLIBLE(void, socket_keep_alive, (Fd socket, std::int64_t limit_ns), (socket, limit_ns))
INFALLIBLE(void, socket_remove, (const Address& address, const ObjectIdentity& file),
           (address, file))

FALLIBLE(Result<Mq>, mq_create,
         (const char* name, std::uint32_t mode, std::size_t depth, std::size_t message_bytes),
         (name, mode, depth, message_bytes))
FALLIBLE(Result<Mq>, mq_create_nameless, (std::size_t depth, std::size_t message_bytes),
         (depth, message_bytes))
FALLIBLE(Result<Mq>, mq_open, (const char* name), (name))
INFALLIBLE(void, mq_close, (Mq queue), (queue))
FALLIBLE(Status, mq_unlink, (const char* name), (name))
FALLIBLE(Result<ObjectIdentity>, mq_identity, (Mq queue), (queue))
INFALLIBLE(Fd, mq_fd, (Mq queue), (queue))
FALLIBLE(Status, mq_send,
         (Mq queue, const void* message, std::size_t bytes, std::uint32_t priority,
          std::int64_t deadline_ns),
         (queue, message, bytes, priority, deadline_ns))
FALLIBLE(Status, mq_receive,
         (Mq queue, void* message, std::size_t bytes, std::uint32_t& priority,
          std::int64_t deadline_ns),
         (queue, message, bytes, priority, deadline_ns))
FALLIBLE(Result<MqState>, mq_state, (Mq queue), (queue))
FALLIBLE(Status, mq_notify, (Mq queue, int signal), (queue, signal))
INFALLIBLE(MqLimits, mq_limits, (), ())

FALLIBLE(Result<Semaphore>, sem_create, (const char* name, std::uint32_t mode, std::uint32_t value),
         (name, mode, value))
FALLIBLE(Result<Semaphore>, sem_open, (const char* name), (name))
INFALLIBLE(void, sem_close, (Semaphore semaphore), (semaphore))
FALLIBLE(Status, sem_unlink, (const char* name), (name))
FALLIBLE(Status, sem_wait, (Semaphore semaphore, std::int64_t deadline_ns),
         (semaphore, deadline_ns))
FALLIBLE(Status, sem_post, (Semaphore semaphore), (semaphore))
INFALLIBLE(std::uint32_t, sem_value, (Semaphore semaphore), (semaphore))
INFALLIBLE(std::uint32_t, sem_value_max, (), ())

FALLIBLE(Result<void*>, map_shared, (std::size_t bytes), (bytes))
FALLIBLE(Result<Reservation>, reserve_shared, (std::size_t most, std::size_t least), (most, least))
FALLIBLE(Status, allocate_reserved, (void* address, std::size_t bytes), (address, bytes))
FALLIBLE(Status, give_back, (void* address, std::size_t bytes), (address, bytes))
FALLIBLE(Result<void*>, map_private, (std::size_t bytes), (bytes))
FALLIBLE(Result<void*>, map_object, (Fd fd, std::size_t bytes, bool writable),
         (fd, bytes, writable))
INFALLIBLE(void, unmap, (void* address, std::size_t bytes), (address, bytes))
INFALLIBLE(void, hide_from_dumps, (void* address, std::size_t bytes), (address, bytes))
INFALLIBLE(std::size_t, page_bytes, (), ())
INFALLIBLE(bool, is_mapped, (const void* address), (address))
FALLIBLE(Result<Fd>, create_object, (const char* name, std::uint32_t mode), (name, mode))
FALLIBLE(Result<Fd>, open_object, (const char* name, bool writable), (name, writable))
FALLIBLE(Status, remove_object, (const char* name), (name))
FALLIBLE(Status, allocate_object, (Fd fd, std::size_t bytes), (fd, bytes))
FALLIBLE(Result<std::uint64_t>, object_bytes, (Fd fd), (fd))
FALLIBLE(Status, mark_object, (Fd fd, std::uint32_t mark), (fd, mark))
FALLIBLE(Status, list_objects,
         (const char* prefix, bool (*visit)(void*, const char*), void* context),
         (prefix, visit, context))
FALLIBLE(Result<bool>, object_is_ours_alone, (Fd fd), (fd))
FALLIBLE(Result<ObjectIdentity>, object_identity, (Fd fd), (fd))
FALLIBLE(Result<bool>, lock_object, (Fd fd), (fd))
INFALLIBLE(void, unlock_object, (Fd fd), (fd))

FALLIBLE(Status, bell_init, (Bell & bell), (bell))
FALLIBLE(Status, bell_wait,
         (Bell & bell, std::uint32_t expected, std::uint32_t kinds, std::int64_t deadline_ns),
         (bell, expected, kinds, deadline_ns))
FALLIBLE(Status, bell_wait_having_looked,
         (Bell & bell, std::uint32_t expected, const LookedAt* looked, std::size_t count,
          std::int64_t deadline_ns),
         (bell, expected, looked, count, deadline_ns))
INFALLIBLE(std::uint32_t, bell_ring, (Bell & bell, std::uint32_t count, std::uint32_t kinds),
           (bell, count, kinds))
INFALLIBLE(void, bell_ring_lookers, (Bell & bell, std::atomic<std::uint32_t>& looked),
           (bell, looked))
FALLIBLE(Status, bell_keep, (Bell & bell), (bell))
INFALLIBLE(void, owe_ring, (Bell & bell), (bell))
INFALLIBLE(void, owe_nothing, (), ())
INFALLIBLE(bool, rings_for_the_dead, (), ())
FALLIBLE(Status, fence_join, (), ())
FALLIBLE(Status, fence_all, (), ())
INFALLIBLE(std::uint32_t, mutex_layout, (), ())
FALLIBLE(Status, mutex_init, (RobustMutex & mutex), (mutex))
FALLIBLE(Status, mutex_lock, (RobustMutex & mutex, std::int64_t deadline_ns), (mutex, deadline_ns))
FALLIBLE(Status, mutex_unlock, (RobustMutex & mutex), (mutex))
FALLIBLE(Status, mutex_unlock_owing, (RobustMutex & mutex, Bell& bell), (mutex, bell))
INFALLIBLE(bool, mutex_is_mine, (RobustMutex & mutex), (mutex))
INFALLIBLE(bool, mutex_is_free, (RobustMutex & mutex), (mutex))
INFALLIBLE(Status, bell_wait_watching,
           (Bell & bell, std::uint32_t expected, RobustMutex* const* watched, std::size_t count,
            std::int64_t deadline_ns, const LookedAt* looked),
           (bell, expected, watched, count, deadline_ns, looked))
INFALLIBLE(Status, bells_wait_watching,
           (Bell & first, std::uint32_t first_expected, Bell& second, std::uint32_t second_expected,
            RobustMutex* const* watched, std::size_t count, std::int64_t deadline_ns),
           (first, first_expected, second, second_expected, watched, count, deadline_ns))

INFALLIBLE(std::int64_t, now_ns, (), ())
INFALLIBLE(void, sleep_until, (std::int64_t deadline_ns), (deadline_ns))
FALLIBLE(Status, random_bytes, (void* buffer, std::size_t bytes), (buffer, bytes))

}  // namespace faulty
}  // namespace brood::port
