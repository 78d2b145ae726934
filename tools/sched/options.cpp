#include <tools/sched/options.hpp>

#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <iterator>

namespace tool {
namespace sched {
namespace {

enum : int { kSvg = Option::kNoLetter, kAsJob };

constexpr Option kOptions[] = {
    {'p', "policy", "NAME,...", "fcfs, sjf, srtf, rr, mlfq (default: all, one after the other)"},
    {'q', "quantum", "TICKS", "of rr, and of the first level of mlfq (default: 4)"},
    {'b', "boost", "TICKS", "of mlfq: how often all go up to the first level (default: never)"},
    {'t', "tick", "MS", "how long a tick is, 1 to 1000 (default: 10)"},
    {'f', "file", "FILE", "a job in each line; '#' begins a comment; '-': standard input"},
    {'c', "cpu", "NUMBER", "the CPU for the jobs (default: the last)"},
    {'s', "simulate", nullptr, "only what the textbook computes: no processes"},
    {kSvg, "svg", "FILE", "a picture, too"},
    {'j', "json", nullptr, "one object, in one line; times in ticks"},
    {kAsJob, "job", "NANOSECONDS", nullptr},  // What brood sched starts itself.
};

bool add_policy(Options& options, const char* name, std::size_t length) noexcept {
    for (std::size_t i = 0; i < kPolicies; ++i) {
        const auto policy = static_cast<Policy>(i);
        if (std::strlen(short_name(policy)) != length ||
            std::strncmp(short_name(policy), name, length) != 0) {
            continue;
        }
        for (std::size_t k = 0; k < options.policy_count; ++k) {
            if (options.policies[k] == policy) { return true; }  // Said twice.
        }
        options.policies[options.policy_count++] = policy;
        return true;
    }
    std::fprintf(stderr, "brood sched: there is no policy '%.*s': fcfs, sjf, srtf, rr, mlfq\n",
                 static_cast<int>(length), name);
    return false;
}

bool add_policies(Options& options, const char* names) noexcept {
    for (const char* at = names;; ++at) {
        const std::size_t length = std::strcspn(at, ",");
        if (!add_policy(options, at, length)) { return false; }
        at += length;
        if (*at == '\0') { return true; }
    }
}

bool take_option(Options& options, const Given& given) noexcept {
    std::int64_t value = 0;
    bool good = true;
    switch (given.key()) {
        case 'p': return add_policies(options, given.value());
        case 'f': options.has_file = true; return add_jobs_of_file(options.jobs, given.value());
        case 's': options.simulate_only = true; return true;
        case 'j': options.json = true; return true;
        case kAsJob: options.as_job = given.value(); return true;
        case kSvg: options.picture = given.value(); return true;
        case 'q': return given.number(1, Jobs::kTicksMax, options.quantum);
        case 'b': return given.number(1, Jobs::kTicksMax, options.boost);
        case 't': return given.number(1, 1000, options.tick_ms);
        case 'c':
            good = given.number(0, 1023, value);
            options.cpu = static_cast<std::int32_t>(value);
            return good;
        default: return false;
    }
}

}  // namespace

Parsed parse_options(int count, char** arguments, Options& options) noexcept {
    int first = 0;
    const Parsed parsed =
        tool::parse_options(kSchedManual, count, arguments, first,
                            [&](const Given& given) { return take_option(options, given); });
    if (parsed != Parsed::run) { return parsed; }
    for (int i = first; i < count; ++i) {
        if (!add_job(options.jobs, arguments[i], "brood sched")) { return refuse_usage("sched"); }
    }
    if (options.jobs.count == 0 && options.has_file) {
        std::fputs("brood sched: there is no job in the file\n", stderr);
        return refuse_usage("sched");
    }
    if (options.jobs.count == 0) {
        for (const char* const job : {"P1:0:24", "P2:0:3", "P3:0:3"}) {
            static_cast<void>(add_job(options.jobs, job, "brood sched"));
        }
    }
    if (options.policy_count == 0) {
        static_cast<void>(add_policies(options, "fcfs,sjf,srtf,rr,mlfq"));
    }
    return Parsed::run;
}

}  // namespace sched

extern const Manual kSchedManual = {
    "sched",
    "the scheduling policies of the textbooks, on real processes",
    "[-p POLICY,...] [-q TICKS] [-b TICKS] [-t MS] [-s] [--svg=FILE] [JOB...]",
    "Schedule real processes on one CPU, stopped and let go by signals, as the textbooks say; show "
    "who had the CPU when, and how long each waited, beside what the textbook computes.\n"
    "\n"
    "JOB is NAME:ARRIVAL:CPU[,I/O,CPU]..., in ticks. Without one: P1:0:24 P2:0:3 P3:0:3",
    sched::kOptions,
    std::size(sched::kOptions),
    "  fcfs  first come, first served\n"
    "  sjf   shortest next burst first, until it waits or ends\n"
    "  srtf  shortest remaining time first: one with less left takes the CPU away\n"
    "  rr    round robin: each at most a quantum, then at the end of the queue\n"
    "  mlfq  three levels: one quantum, two, no end; who has used up what its level gives goes\n"
    "        one down, and a higher level takes the CPU away from a lower one\n"
    "\n"
    "Turnaround is from arrival to end; waiting is what of it is neither CPU nor I/O; response is "
    "from arrival to the first time on the CPU.",
    "0 if every job came to its end; 1 if one did not, something could not be done, or the usage "
    "was wrong.",
    Operands::none,
    false,
};

}  // namespace tool
