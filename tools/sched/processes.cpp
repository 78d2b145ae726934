#include <tools/sched/processes.hpp>

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include <brood/brood.hpp>
#include <tools/clock.hpp>

namespace tool::sched {
namespace {

constexpr std::uint8_t kReady = 'r', kBurstOver = 'b', kGoOn = 'g';

/// A job, seen by the dispatcher. Of the pipes it has the other ends as its input and output.
struct Steered {
    brood::Process process;
    brood::Sender<std::uint8_t> tell;
    brood::Receiver<std::uint8_t> hear;
    bool has_said = false;  ///< That its burst is over, when it had just lost the CPU.
};

class Processes {
public:
    Processes(const Jobs& jobs, Real& real) noexcept : jobs_(jobs), real_(real) {}
    ~Processes() {
        for (Steered& job : all_) { job.process.kill().ignore(); }  // After a failure some go on.
    }
    Processes(const Processes&) = delete;
    Processes& operator=(const Processes&) = delete;
    bool start() noexcept;
    bool run(const Rules& rules, Schedule& schedule) noexcept;

private:
    bool start_one(std::size_t job) noexcept;
    brood::Status exec(std::size_t job, const char* const* arguments, int input,
                       int output) noexcept;
    /// Whose word, or end, came first until `event`; kMax: nobody's. False: it failed.
    bool listen(const Dispatcher& dispatcher, std::int64_t event, std::size_t& job) noexcept;
    bool step(Dispatcher& dispatcher) noexcept;
    std::int64_t now() const noexcept { return clock_ns(CLOCK_MONOTONIC) - start_; }
    void send(std::size_t job, int signal) noexcept {
        static_cast<void>(all_[job].process.send_signal(signal));  // Who has ended is found so.
    }
    static void wake(void* context, std::size_t job) noexcept {
        auto& self = *static_cast<Processes*>(context);
        self.send(job, SIGSTOP);  // It waits for our word: with it, it is ready but does not run.
        static_cast<void>(self.all_[job].tell.send(kGoOn));
    }
    static void go(void* context, std::size_t job) noexcept {
        static_cast<Processes*>(context)->send(job, SIGCONT);
    }
    static void stop(void* context, std::size_t job) noexcept {
        static_cast<Processes*>(context)->send(job, SIGSTOP);
    }

    const Jobs& jobs_;
    Real& real_;
    bool may_choose_ = false;  // The CPU: the last that there is and that takes the first job.
    std::int64_t start_ = 0;
    Steered all_[Jobs::kMax];
};

bool fail(const char* what, const brood::Error& error) noexcept {
    char text[200];
    std::fprintf(stderr, "brood sched: %s: %s\n", what, error.describe(text, sizeof text));
    return false;
}

brood::Status Processes::exec(std::size_t job, const char* const* arguments, int input,
                              int output) noexcept {
    const auto cpu = static_cast<std::uint32_t>(real_.cpu);
    brood::ExecOptions options;
    options.input(input).output(output).daemon();
    if (real_.cpu >= 0) { options.cpus(&cpu, 1); }
    auto started = brood::Process::exec("/proc/self/exe", arguments, options);
    if (started.code() == brood::Errc::unsupported && real_.cpu < 0) {
        // This port cannot let it end with us: it does at its next word to us, or from us.
        started = brood::Process::exec("/proc/self/exe", arguments, options.daemon(false));
    }
    if (!started.ok()) { return started.error(); }
    all_[job].process = std::move(*started);
    return brood::Status();
}

bool Processes::start_one(std::size_t job) noexcept {
    auto down = brood::Pipe<std::uint8_t>::simplex(), up = brood::Pipe<std::uint8_t>::simplex();
    if (!down.ok()) { return fail("a pipe", down.error()); }
    if (!up.ok()) { return fail("a pipe", up.error()); }
    char text[32 + 8 * Job::kBurstsMax];
    int length =
        std::snprintf(text, sizeof text, "--job=%lld", static_cast<long long>(real_.tick_ns));
    for (std::size_t b = 0; b < jobs_.list[job].burst_count; ++b) {
        const auto room = sizeof text - static_cast<std::size_t>(length);
        length += std::snprintf(text + length, room, "%c%lld", b == 0 ? ':' : ',',
                                static_cast<long long>(jobs_.list[job].bursts[b]));
    }
    const char* const arguments[] = {"brood", "sched", text, nullptr};
    const int input = down->receiver.fileno(), output = up->sender.fileno();
    brood::Status started = exec(job, arguments, input, output);
    while (!started.ok() && may_choose_ && real_.cpu >= 0) {  // Not ours, or this port cannot pin.
        --real_.cpu;
        started = exec(job, arguments, input, output);
    }
    may_choose_ = false;
    if (!started.ok()) { return fail("starting a job", started.error()); }
    all_[job].tell = std::move(down->sender);
    all_[job].hear = std::move(up->receiver);
    const auto ready = all_[job].hear.recv(brood::seconds(10));
    return ready.ok() || fail("a job that does not begin", ready.error());
}

bool Processes::start() noexcept {
    may_choose_ = real_.cpu < 0;
    if (may_choose_) { real_.cpu = static_cast<std::int32_t>(sysconf(_SC_NPROCESSORS_CONF)) - 1; }
    for (std::size_t job = 0; job < jobs_.count; ++job) {
        if (!start_one(job)) { return false; }
    }
    return true;
}

bool Processes::listen(const Dispatcher& dispatcher, std::int64_t event,
                       std::size_t& job) noexcept {
    brood::Waitable ends[Jobs::kMax];
    std::size_t owners[Jobs::kMax], count = 0;
    for (std::size_t i = 0; i < jobs_.count; ++i) {
        if (dispatcher.has_ended(i)) { continue; }
        ends[count] = all_[i].hear;
        owners[count++] = i;
    }
    brood::Timeout timeout = brood::Timeout::forever();
    if (event != INT64_MAX) {
        const std::int64_t left = event - now();
        timeout = brood::nanoseconds(left > 0 ? left : 0);
    }
    const auto first = brood::wait(ends, count, timeout);
    job = first.ok() ? owners[*first] : Jobs::kMax;
    return first.ok() || first.code() == brood::Errc::timed_out ||
           fail("waiting for the jobs", first.error());
}

// One thing that happens. False: it failed.
bool Processes::step(Dispatcher& dispatcher) noexcept {
    std::size_t job = Jobs::kMax, running = Jobs::kMax;
    const bool somebody_runs = dispatcher.running(running);
    if (somebody_runs && all_[running].has_said) {
        job = running;
    } else if (!listen(dispatcher, dispatcher.next_event(), job)) {
        return false;
    }
    bool has_room = true;
    if (job == Jobs::kMax) {
        has_room = dispatcher.advance(now(), false);
    } else if (all_[job].has_said || all_[job].hear.recv().ok()) {
        all_[job].has_said = !somebody_runs || job != running;
        has_room = all_[job].has_said || dispatcher.advance(now(), true);
    } else {  // Its end of the pipe is closed.
        static_cast<void>(all_[job].process.join(brood::seconds(5)));
        const auto code = all_[job].process.exit_code();
        has_room = dispatcher.lose(job, now(), code.ok() && *code < 0 ? -*code : SIGKILL);
    }
    if (!has_room) {
        std::fputs("brood sched: too many slices: make the quantum longer (-q)\n", stderr);
    }
    return has_room;
}

bool Processes::run(const Rules& rules, Schedule& schedule) noexcept {
    Dispatcher dispatcher(jobs_, rules, real_.tick_ns, {this, &wake, &go, &stop}, schedule);
    start_ = clock_ns(CLOCK_MONOTONIC);
    while (!dispatcher.is_done()) {
        if (!step(dispatcher)) { return false; }
    }
    return true;
}

}  // namespace

bool run_processes(const Jobs& jobs, const Rules& rules, Real& real, Schedule& schedule) noexcept {
    Processes processes(jobs, real);
    return processes.start() && processes.run(rules, schedule);
}

int run_job(const char* text) noexcept {
    char* at = nullptr;
    const std::int64_t tick_ns = std::strtoll(text, &at, 10);
    if (*at != ':') { return 1; }
    if (write(STDOUT_FILENO, &kReady, 1) != 1) { return 1; }
    std::int64_t until = 0, began = 0;
    for (bool is_first = true; *at != '\0'; is_first = false) {
        std::uint8_t word = 0;
        if (read(STDIN_FILENO, &word, 1) != 1) { return 1; }
        if (is_first) { began = clock_ns(CLOCK_PROCESS_CPUTIME_ID); }
        until += std::strtoll(at + 1, &at, 10) * tick_ns;
        while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - began < until) {}
        if (write(STDOUT_FILENO, &kBurstOver, 1) != 1) { return 1; }
        if (*at == ',') { static_cast<void>(std::strtoll(at + 1, &at, 10)); }  // I/O: not ours.
    }
    return 0;
}

}  // namespace tool::sched
