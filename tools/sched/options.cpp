#include <tools/sched/options.hpp>

#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace tool::sched {
namespace {

constexpr const char* kHelp =
    "Usage: brood sched [-p POLICY,...] [-q TICKS] [-t MS] [-s] [--svg=FILE] [JOB...]\n"
    "\n"
    "Schedule real processes on one CPU, stopped and let go by signals, as the textbooks say;\n"
    "show who had the CPU when, and how long each waited, beside what the textbook computes.\n"
    "\n"
    "JOB is NAME:ARRIVAL:CPU[,I/O,CPU]..., in ticks. Without one: P1:0:24 P2:0:3 P3:0:3\n"
    "\n"
    "  -p, --policy=NAME,...  fcfs, sjf, srtf, rr, mlfq (default: all, one after the other)\n"
    "  -q, --quantum=TICKS    of rr, and of the first level of mlfq (default: 4)\n"
    "  -t, --tick=MS          how long a tick is, 1 to 1000 (default: 10)\n"
    "  -f, --file=FILE        a job in each line; '#' begins a comment; '-': standard input\n"
    "  -c, --cpu=NUMBER       the CPU for the jobs (default: the last)\n"
    "  -s, --simulate         only what the textbook computes: no processes\n"
    "      --svg=FILE         a picture, too\n"
    "  -j, --json             one object, in one line; times in ticks\n"
    "  -h, --help             print this and end\n"
    "  -V, --version          print the version and end\n"
    "\n"
    "  fcfs  first come, first served\n"
    "  sjf   shortest next burst first, until it waits or ends\n"
    "  srtf  shortest remaining time first: one with less left takes the CPU away\n"
    "  rr    round robin: each at most a quantum, then at the end of the queue\n"
    "  mlfq  three levels: one quantum, two, no end; who has used up what its level gives goes\n"
    "        one down, and a higher level takes the CPU away from a lower one\n"
    "\n"
    "Turnaround is from arrival to end; waiting is what of it is neither CPU nor I/O; response\n"
    "is from arrival to the first time on the CPU.\n"
    "\n"
    "Exit status: 0 if every job came to its end; 1 if one did not, something could not be done,\n"
    "or the usage was wrong.\n";

bool parse_number(const char* name, const char* text, long least, long most, long& value) noexcept {
    char* end = nullptr;
    value = std::strtol(text, &end, 10);
    if (end != text && *end == '\0' && value >= least && value <= most) { return true; }
    std::fprintf(stderr, "brood sched: %s takes a number from %ld to %ld, not '%s'\n", name, least,
                 most, text);
    return false;
}

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

bool take_option(Options& options, int letter) noexcept {
    long value = 0;
    bool good = true;
    switch (letter) {
        case 'p': return add_policies(options, optarg);
        case 'f': options.has_file = true; return add_jobs_of_file(options.jobs, optarg);
        case 's': options.simulate_only = true; return true;
        case 'j': options.json = true; return true;
        case 'P': options.picture = optarg; return true;
        case 'J': options.as_job = optarg; return true;
        case 'q':
            good = parse_number("-q", optarg, 1, Jobs::kTicksMax, value);
            options.quantum = value;
            return good;
        case 't':
            good = parse_number("-t", optarg, 1, 1000, value);
            options.tick_ms = value;
            return good;
        case 'c':
            good = parse_number("-c", optarg, 0, 1023, value);
            options.cpu = static_cast<std::int32_t>(value);
            return good;
        default: return false;  // getopt_long() has said what is wrong.
    }
}

}  // namespace

Parsed parse_options(int count, char** arguments, Options& options) noexcept {
    static constexpr option kNames[] = {
        {"policy", required_argument, nullptr, 'p'},
        {"quantum", required_argument, nullptr, 'q'},
        {"tick", required_argument, nullptr, 't'},
        {"file", required_argument, nullptr, 'f'},
        {"cpu", required_argument, nullptr, 'c'},
        {"simulate", no_argument, nullptr, 's'},
        {"svg", required_argument, nullptr, 'P'},
        {"json", no_argument, nullptr, 'j'},
        {"job", required_argument, nullptr, 'J'},  // What brood sched starts itself.
        {"help", no_argument, nullptr, 'h'},
        {"version", no_argument, nullptr, 'V'},
        {nullptr, 0, nullptr, 0},
    };
    int letter = 0;
    while ((letter = getopt_long(count, arguments, "p:q:t:f:c:sjhV", kNames, nullptr)) != -1) {
        if (letter == 'h') { return std::fputs(kHelp, stdout), Parsed::finished; }
        if (letter == 'V') { return print_version(); }
        if (!take_option(options, letter)) { return refuse_usage("sched"); }
    }
    for (int i = optind; i < count; ++i) {
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

}  // namespace tool::sched
