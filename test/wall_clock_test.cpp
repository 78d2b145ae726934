// Goal: a wall clock that jumps neither stretches nor shortens any wait (promise 27).
// Method: the machine's clock is left alone. Each wait runs in a child where
//  - all that this library's port has from the libc that tells the wall clock, or waits by it, is
//    replaced by functions of this file, under a wall clock that jumps by an hour, once in the
//    middle of the wait or to and fro every few milliseconds;
//  - a seccomp filter kills the process at any system call that waits by the machine's wall clock,
//    so that nothing escapes the replacements.
// A wait that had anything to do with the wall clock would end an hour late, or much too early.
#include "pool_support.hpp"
#include "process_support.hpp"

#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <brood/exec.hpp>
#include <brood/lock.hpp>
#include <brood/pipe.hpp>
#include <brood/signals.hpp>
#include <brood/this_process.hpp>
#include <brood/value.hpp>
#include <brood/wait.hpp>

using namespace brood;

// ---- The wall clock of this program ------------------------------------------------------------

namespace {

constexpr std::int64_t kSecondNs = 1000000000, kHourNs = 3600 * kSecondNs;
constexpr std::int64_t kStepNs = 500000, kJumpEveryNs = 7000000, kJumpAfterNs = 50000000;

enum class Jumps { ahead, back, to_and_fro };
Jumps g_jumps = Jumps::to_and_fro;
std::int64_t g_begin_ns = 0;                // of the wait, on the monotonic clock
thread_local std::int64_t t_last_told = 0;  // what the wall clock said last
std::atomic<bool>* g_long_slice = nullptr;  // shared: a wait by the wall clock was too long

timespec timespec_at(std::int64_t ns) {
    return {static_cast<time_t>(ns / kSecondNs), static_cast<long>(ns % kSecondNs)};
}

std::int64_t ns_of(const timespec& time) {
    return std::int64_t{time.tv_sec} * kSecondNs + time.tv_nsec;
}

template <class F>
F real(const char* name) {
    return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

std::int64_t monotonic_ns() {
    static const auto get = real<int (*)(clockid_t, timespec*)>("clock_gettime");
    timespec now = {};
    (void)get(CLOCK_MONOTONIC, &now);
    return ns_of(now);
}

/// How many hours the wall clock is wrong.
std::int64_t hours_at(std::int64_t now_ns) {
    const std::int64_t into_ns = now_ns - g_begin_ns;
    const bool jumped = into_ns >= kJumpAfterNs;
    switch (g_jumps) {
        case Jumps::ahead: return jumped ? 1 : 0;
        case Jumps::back: return jumped ? -1 : 0;
        default: return (into_ns / kJumpEveryNs + 1) % 4 - 1;  // right, ahead, far ahead, behind
    }
}

std::int64_t wall_ns() {
    const std::int64_t now_ns = monotonic_ns();
    return (400000 + hours_at(now_ns)) * kHourNs + now_ns;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
    static const auto get = real<int (*)(clockid_t, timespec*)>("clock_gettime");
    if (clock != CLOCK_REALTIME) { return get(clock, time); }
    t_last_told = wall_ns();
    *time = timespec_at(t_last_told);
    return 0;
}

int gettimeofday(timeval* time, void*) noexcept {
    timespec now = {};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *time = {now.tv_sec, static_cast<suseconds_t>(now.tv_nsec / 1000)};
    return 0;
}

time_t time(time_t* seconds) noexcept {
    timespec now = {};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (seconds != nullptr) { *seconds = now.tv_sec; }
    return now.tv_sec;
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* wanted, timespec* left) {
    static const auto sleep =
        real<int (*)(clockid_t, int, const timespec*, timespec*)>("clock_nanosleep");
    if (clock != CLOCK_REALTIME || (flags & TIMER_ABSTIME) == 0) {
        return sleep(CLOCK_MONOTONIC, flags, wanted, left);  // Clocks that are set change nothing.
    }
    const timespec step = timespec_at(kStepNs);
    int err = 0;
    while (err == 0 && wall_ns() < ns_of(*wanted)) {
        err = sleep(CLOCK_MONOTONIC, 0, &step, nullptr);
    }
    return err;
}

// As the kernel does it: the wait ends when the wall clock, as it is by then, has passed the end.
int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* end) noexcept {
    static const auto lock =
        real<int (*)(pthread_mutex_t*, clockid_t, const timespec*)>("pthread_mutex_clocklock");
    const bool long_ago = ns_of(*end) == 0;
    if (!long_ago && ns_of(*end) > t_last_told + port::kSliceNs) { g_long_slice->store(true); }
    for (;;) {
        const bool over = wall_ns() >= ns_of(*end);
        const timespec step = timespec_at(over ? 0 : monotonic_ns() + kStepNs);
        const int err = lock(mutex, CLOCK_MONOTONIC, &step);
        if (err != ETIMEDOUT || over) { return err; }
    }
}

}  // extern "C"

namespace {

// ---- No wait by the clock of the machine -------------------------------------------------------

constexpr bool kLittle = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

constexpr std::uint32_t low_word(int argument) {
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args)) +
           static_cast<std::uint32_t>(argument) * 8 + (kLittle ? 0 : 4);
}
constexpr std::uint32_t high_word(int argument) {
    return low_word(argument) ^ 4;
}

/// What kills: call `number` with a bit of `flags` in one argument or, without flags, with a 0 in
/// it; if another argument (a pointer to the time-out, or flags again) is not 0 in these bits.
struct WallClockCall {
    long number;
    int clock_argument;
    std::uint32_t flags;
    int if_argument;
    std::uint32_t if_bits;
};

constexpr std::uint32_t kFutexByWallClock = 256, kAny = 0xffffffff;
const WallClockCall kWallClockCalls[] = {
#ifdef SYS_futex
    {SYS_futex, 1, kFutexByWallClock, 3, kAny},
#endif
#ifdef SYS_futex_time64
    {SYS_futex_time64, 1, kFutexByWallClock, 3, kAny},
#endif
#ifdef SYS_clock_nanosleep
    {SYS_clock_nanosleep, 0, 0, 1, TIMER_ABSTIME},
#endif
#ifdef SYS_clock_nanosleep_time64
    {SYS_clock_nanosleep_time64, 0, 0, 1, TIMER_ABSTIME},
#endif
    {SYS_timer_create, 0, 0, 0, 0},
    {SYS_timerfd_create, 0, 0, 0, 0},
    {449 /* futex_waitv */, 4, 0, 3, kAny},
    {455 /* futex_wait */, 5, 0, 4, kAny},
};

bool refuse(const WallClockCall& call) {
    const auto number = static_cast<std::uint32_t>(call.number);
    // Without flags the clock must be 0; without bits to ask for the rest is not looked at.
    const bool by_flags = call.flags != 0;
    const unsigned char unconditional = call.if_bits == 0 ? 4 : 0;
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 7),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_word(call.clock_argument)),
        by_flags ? sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, call.flags, 0, 5)
                 : sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, unconditional, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_word(call.if_argument)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, call.if_bits, 2, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, high_word(call.if_argument)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, call.if_bits == kAny ? kAny : 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

bool leave_the_machines_wall_clock() {
    bool done = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    for (const WallClockCall& call : kWallClockCalls) { done = done && refuse(call); }
    return done;
}

// ---- The waits ---------------------------------------------------------------------------------

constexpr Timeout kWait = milliseconds(150);
constexpr std::int64_t kLateNs = test::kSoonMs * 1000000;  // Little against an hour.

void sleep_for_good() {
    for (;;) { pause(); }
}

/// A child that lives until the end of the scope.
class Living {
public:
    Living() { CHILD_EXPECT(process.start().ok()); }
    ~Living() { process.kill().ignore(); }
    Process process{sleep_for_good};
};

struct Wait {
    const char* name;
    Errc (*run)();
};

Errc join_a_process() {
    Living living;
    return living.process.join(kWait).code();
}

Errc wait_any_of_processes() {
    Living one, other;
    Process* const list[] = {&one.process, &other.process};
    return wait_any(list, 2, kWait).code();
}

Errc wait_for_processes_and_descriptors() {
    Living living;
    auto ends = Connection::pipe().expect("pipe");
    return wait({living.process, ends.first}, kWait).code();
}

Errc terminate_with_grace() {
    test::Handshake ready;
    Process stubborn([&ready] {
        signals::ignore(SIGTERM).ignore();
        ready.tell();
        sleep_for_good();
    });
    CHILD_EXPECT(stubborn.start().ok() && ready.await());
    const Status ended = stubborn.terminate(kWait);
    return ended.ok() && stubborn.exit_code().value_or(0) == -SIGKILL ? Errc::timed_out : Errc::ok;
}

Errc poll_a_connection() {
    auto ends = Connection::pipe().expect("pipe");
    const Result<bool> ready = ends.first.poll(kWait);
    return ready.ok() && !*ready ? Errc::timed_out : Errc::ok;
}

Errc receive() {
    auto ends = Connection::pipe().expect("pipe");
    char buffer[16];
    return ends.first.recv_bytes(buffer, sizeof buffer, kWait).code();
}

Errc send_into_a_full_pipe() {
    auto ends = Connection::pipe().expect("pipe");
    char bytes[4000] = {};
    while (ends.first.send_bytes(bytes, sizeof bytes, Timeout::no_wait()).ok()) {}
    return ends.first.send_bytes(bytes, sizeof bytes, kWait).code();
}

Errc receive_typed() {
    auto ends = Pipe<int>::simplex().expect("pipe");
    return ends.receiver.recv(kWait).code();
}

/// What `take()` gives while another process holds `lock`.
template <class Take>
Errc while_held(Lock& lock, Take take) {
    test::Handshake held;
    Process holder([&] {
        lock.take().ignore();
        held.tell();
        sleep_for_good();
    });
    CHILD_EXPECT(holder.start().ok() && held.await());
    const Errc code = take();
    holder.kill().ignore();
    return code;
}

Errc acquire_a_lock() {
    Lock lock = Lock::create().expect("lock");
    return while_held(lock, [&] { return lock.acquire(kWait).status().code(); });
}

Errc get_a_future() {
    Pool pool = Pool::create(PoolOptions().workers(1)).expect("pool");
    Future<int> future = pool.apply_async([] {
                                 sleep_for_good();
                                 return 0;
                             })
                             .expect("submitting");
    const Errc code = future.get(kWait).code();
    pool.terminate().ignore();
    return code;
}

Errc join_a_pool() {
    Pool pool = Pool::create(PoolOptions().workers(1)).expect("pool");
    Future<int> future = pool.apply_async([] {
                                 sleep_for_good();
                                 return 0;
                             })
                             .expect("submitting");
    pool.close().ignore();
    const Errc code = pool.join(kWait).code();
    pool.terminate().ignore();
    return code;
}

Errc sleep() {
    return this_process::sleep(kWait).ok() ? Errc::timed_out : Errc::ok;
}

Errc wait_for_a_signal() {
    const signals::Blocked blocked({SIGUSR1});
    return signals::wait_signal({SIGUSR1}, kWait).code();
}

Errc be_woken_by_an_alarm() {
    const signals::ScopedAlarm alarm(kWait, [](int) {});
    signals::pause();
    return Errc::timed_out;
}

Errc capture_a_program() {
    const char* const arguments[] = {"sleep", "60", nullptr};
    char output[16];
    return capture("sleep", arguments, output, sizeof output, ExecOptions(), kWait).code();
}

// Its creator lives and is not done: it holds the creation lock, and there is no size yet.
Errc open_an_unfinished_object() {
    const char* const name = "/brood-wall-clock-test";
    test::Handshake made;
    Process creator([&] {
        const Result<port::Fd> fd = port::create_object(name, 0600);
        CHILD_EXPECT(fd.ok() && port::lock_object(*fd).value_or(false));
        made.tell();
        sleep_for_good();
    });
    CHILD_EXPECT(creator.start().ok() && made.await());
    const Errc code = Value<int>::open(name, kWait).code();
    creator.kill().ignore();
    port::remove_object(name).ignore();
    return code == Errc::not_ready ? Errc::timed_out : code;
}

const Wait kWaits[] = {
    {"Process::join", join_a_process},
    {"wait_any", wait_any_of_processes},
    {"wait", wait_for_processes_and_descriptors},
    {"Process::terminate", terminate_with_grace},
    {"Connection::poll", poll_a_connection},
    {"Connection::recv_bytes", receive},
    {"Connection::send_bytes", send_into_a_full_pipe},
    {"Receiver::recv", receive_typed},
    {"Lock::acquire", acquire_a_lock},
    {"Future::get", get_a_future},
    {"Pool::join", join_a_pool},
    {"this_process::sleep", sleep},
    {"signals::wait_signal", wait_for_a_signal},
    {"signals::alarm", be_woken_by_an_alarm},
    {"capture", capture_a_program},
    {"Value::open", open_an_unfinished_object},
};

// What ends by itself, 100 ms from now, while somebody waits for it without a deadline.
constexpr Timeout kSoon = milliseconds(100);

Errc join_for_ever() {
    Process process([] { this_process::sleep(kSoon).ignore(); });
    return process.start().ok() ? process.join().code() : Errc::no_children;
}

Errc wait_any_for_ever() {
    Process process([] { this_process::sleep(kSoon).ignore(); });
    Process* const list[] = {&process};
    CHILD_EXPECT(process.start().ok());
    return wait_any(list, 1).code();
}

Errc receive_for_ever() {
    auto ends = Pipe<int>::simplex().expect("pipe");
    Process sender([&] {
        this_process::sleep(kSoon).ignore();
        ends.sender.send(1).ignore();
    });
    return sender.start().ok() ? ends.receiver.recv().code() : Errc::no_children;
}

Errc acquire_for_ever() {
    Lock lock = Lock::create().expect("lock");
    test::Handshake held;
    Process holder([&] {
        lock.take().ignore();
        held.tell();
        this_process::sleep(kSoon).ignore();
        lock.release().ignore();
    });
    CHILD_EXPECT(holder.start().ok() && held.await());
    return lock.take().code();
}

Errc get_for_ever() {
    Pool pool = Pool::create(PoolOptions().workers(1)).expect("pool");
    return pool.apply([] { this_process::sleep(kSoon).ignore(); }).code();
}

const Wait kEndlessWaits[] = {
    {"Process::join", join_for_ever},     {"wait_any", wait_any_for_ever},
    {"Receiver::recv", receive_for_ever}, {"Lock::take", acquire_for_ever},
    {"Pool::apply", get_for_ever},
};

// ---- The tests ---------------------------------------------------------------------------------

/// What a wait in a child under this clock came to.
struct Outcome {
    std::atomic<Errc> code{Errc::ok};
    std::atomic<std::int64_t> took_ns{0};
    std::atomic<bool> filtered{false};
    std::atomic<bool> long_slice{false};
};

template <class F>
void run_apart(const char* name, F run, Outcome& outcome) {
    outcome.filtered = outcome.long_slice = false;
    g_long_slice = &outcome.long_slice;
    const int code = test::run_child([&] {
        (void)alarm(60);
        outcome.filtered = leave_the_machines_wall_clock();
        g_begin_ns = monotonic_ns();
        outcome.code = run();
        outcome.took_ns = monotonic_ns() - g_begin_ns;
        return 0;
    });
    if (!outcome.filtered) { test::not_run("calls by the machine's wall clock", "no seccomp"); }
    if (code == -SIGSYS) { fail_msg("%s makes a system call that waits by the wall clock", name); }
    if (code != 0) { fail_msg("%s: %d", name, code); }
    if (outcome.long_slice) { fail_msg("%s: a wait by the wall clock for too long", name); }
}

void expect(const Wait& wait, Errc code, Timeout time) {
    test::Board<Outcome> outcome;
    run_apart(wait.name, wait.run, *outcome);
    if (outcome->code != code) { fail_msg("%s: %s", wait.name, Error(outcome->code).name()); }
    const std::int64_t took_ns = outcome->took_ns, least_ns = time.nanoseconds();
    if (took_ns < least_ns || took_ns > least_ns + kLateNs) {
        fail_msg("%s: %lld us", wait.name, static_cast<long long>(took_ns / 1000));
    }
}

constexpr Jumps kJumps[] = {Jumps::ahead, Jumps::back, Jumps::to_and_fro};

void no_timeout_is_stretched_or_shortened_by_a_wall_clock_that_jumps(void**) {
    for (const Jumps jumps : kJumps) {
        g_jumps = jumps;
        for (const Wait& wait : kWaits) { expect(wait, Errc::timed_out, kWait); }
    }
}

void no_wait_without_a_timeout_is_stretched_by_a_wall_clock_that_jumps(void**) {
    for (const Jumps jumps : kJumps) {
        g_jumps = jumps;
        for (const Wait& wait : kEndlessWaits) { expect(wait, Errc::ok, kSoon); }
    }
}

// Without this the tests above might find nothing because there is nothing to be found.
void a_wait_by_this_wall_clock_ends_much_too_early_or_late(void**) {
    const auto wait_by_it = [](int seconds) {
        timespec end = {};
        (void)clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += seconds;
        (void)clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &end, nullptr);
        return Errc::ok;
    };
    test::Board<Outcome> outcome;
    g_jumps = Jumps::ahead;
    run_apart(
        "an early end", [&] { return wait_by_it(60); }, *outcome);
    assert_true(outcome->took_ns < kLateNs);
    g_jumps = Jumps::back;
    const int late = test::run_child([&] {
        const pid_t sleeper = fork();
        if (sleeper == 0) {
            g_begin_ns = monotonic_ns();  // Not before: where a fork is slow, the jump would come.
            _exit(wait_by_it(1) == Errc::ok ? 0 : 1);
        }
        test::sleep_ms(1500);
        const bool sleeps = waitpid(sleeper, nullptr, WNOHANG) == 0;
        (void)kill(sleeper, SIGKILL);
        return sleeps && waitpid(sleeper, nullptr, 0) == sleeper ? 0 : 1;
    });
    assert_int_equal(late, 0);
}

void a_call_that_waits_by_the_machines_wall_clock_is_seen(void**) {
    const int code = test::run_child([] {
        if (!leave_the_machines_wall_clock()) { return 77; }
        static int word = 0;
        const timespec soon = {1, 0};
        constexpr int kWaitBitset = 9;
        (void)syscall(SYS_futex, &word, kWaitBitset, 0, &soon, nullptr, kAny);
        (void)syscall(SYS_futex, &word, kWaitBitset | kFutexByWallClock, 1, nullptr, nullptr, kAny);
        (void)syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &soon, nullptr);
        const pid_t pid = fork();
        if (pid == 0) {
            (void)syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &soon, nullptr);
            _exit(0);
        }
        if (test::join_child(pid) != -SIGSYS) { return 1; }
        (void)syscall(SYS_futex, &word, kWaitBitset | kFutexByWallClock, 0, &soon, nullptr, kAny);
        return 0;
    });
    if (code == 77) { return test::not_run("calls by the machine's wall clock", "no seccomp"); }
    assert_int_equal(code, -SIGSYS);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(no_timeout_is_stretched_or_shortened_by_a_wall_clock_that_jumps),
        cmocka_unit_test(no_wait_without_a_timeout_is_stretched_by_a_wall_clock_that_jumps),
        cmocka_unit_test(a_wait_by_this_wall_clock_ends_much_too_early_or_late),
        cmocka_unit_test(a_call_that_waits_by_the_machines_wall_clock_is_seen),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
