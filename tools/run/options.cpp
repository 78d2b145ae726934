#include <tools/run/options.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include <brood/this_process.hpp>
#include <tools/manual.hpp>

namespace tool {
namespace run {
namespace {

enum : int {
    kKillAfter = Option::kNoLetter,
    kRetry,
    kLineBuffer,
    kMemory,
    kHalt,
    kJobLog,
    kResume,
    kResumeFailed,
    kProgress,
    kJson,
};

constexpr Option kOptions[] = {
    {'j', "jobs", "N", "run N jobs at a time (default: the CPUs that may be used)"},
    {'a', "arg-file", "FILE", "read arguments from FILE, not from standard input"},
    {'0', "null", nullptr, "arguments end with a NUL byte, not with the line"},
    {'n', "max-args", "N", "give each job N arguments (default: 1)"},
    {'k', "keep-order", nullptr, "output comes in the order of the arguments"},
    {kLineBuffer, "line-buffer", nullptr, "output comes line by line, not job by job"},
    {'u', "ungroup", nullptr, "the jobs write to brood's output themselves: it may mix"},
    {'t', "timeout", "SECONDS", "terminate a job that runs longer"},
    {kKillAfter, "kill-after", "SECONDS", "from SIGTERM to SIGKILL (default: 2)"},
    {kRetry, "retry", "N", "run a job that fails up to N times more; the last one counts"},
    {'m', "memory", "SIZE", "address space of each process of a job at most, as 500M or 2G"},
    {kHalt, "halt", "WHEN,WHAT=N",
     "WHEN is now (terminate what runs) or soon (start no more), WHAT is fail or success: end "
     "after N of these"},
    {kJobLog, "joblog", "FILE", "write a line about each job that has ended, as GNU parallel does"},
    {kResume, "resume", nullptr, "leave out the jobs that are in the job log"},
    {kResumeFailed, "resume-failed", nullptr, "leave out those that succeeded"},
    {kProgress, "progress", nullptr, "show on standard error how far it is"},
    {kJson, "json", nullptr, "a summary at the end: one object, in one line, on standard error"},
};

bool parse_halt(const char* text, Halt& halt) noexcept {
    const auto skip = [&](const char* word) {
        const std::size_t length = std::strlen(word);
        if (std::strncmp(text, word, length) != 0) { return false; }
        text += length;
        return true;
    };
    halt.now = skip("now,");
    if (!halt.now && !skip("soon,")) { return false; }
    halt.on_success = skip("success=");
    if (!halt.on_success && !skip("fail=")) { return false; }
    const std::size_t digits = std::strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || text[digits] != '\0') { return false; }
    halt.count = std::strtoll(text, nullptr, 10);
    return halt.count > 0;
}

bool take(Options& options, const Given& given) noexcept {
    constexpr std::int64_t kMillion = 1000000, kWeekMs = 604800000, kMost = std::int64_t{1} << 50;
    switch (given.key()) {
        case 'j': return given.number(1, Options::kJobsMax, options.jobs);
        case 'n': return given.number(1, kMillion, options.items_a_job);
        case 't': return given.seconds(1, kWeekMs, options.timeout_ms);
        case 'm': return given.size(1 << 20, kMost, options.memory);
        case kKillAfter: return given.seconds(0, kWeekMs, options.grace_ms);
        case kRetry: return given.number(0, kMillion, options.retries);
        case kHalt:
            return parse_halt(given.value(), options.halt) ||
                   given.refuse("now|soon,fail|success=N");
        case 'a': options.arguments_file = given.value(); break;
        case '0': options.by_nul = true; break;
        case 'k': options.keep_order = true; break;
        case 'u': options.output = Output::direct; break;
        case kLineBuffer: options.output = Output::lines; break;
        case kJobLog: options.job_log = given.value(); break;
        case kResume: options.resume = true; break;
        case kResumeFailed: options.resume = options.resume_failed = true; break;
        case kProgress: options.progress = true; break;
        case kJson: options.json = true; break;
        default: return false;
    }
    return true;
}

/// What does not go together: null if all does.
const char* conflict(const Options& options) noexcept {
    if (options.command[0] == nullptr) { return "which COMMAND?"; }
    if (options.resume && options.job_log == nullptr) { return "--resume needs a --joblog"; }
    if (options.keep_order && options.output == Output::direct) {
        return "-u cannot keep an order (-k)";
    }
    return nullptr;
}

}  // namespace

Parsed parse_options(int count, char** arguments, Options& options) noexcept {
    options.jobs = brood::cpu_count();
    if (options.jobs > Options::kJobsMax) { options.jobs = Options::kJobsMax; }
    int first = 0;
    const Parsed parsed =
        tool::parse_options(kRunManual, count, arguments, first,
                            [&](const Given& given) { return take(options, given); });
    if (parsed != Parsed::run) { return parsed; }
    options.command = arguments + first;
    const char* const wrong = conflict(options);
    if (wrong == nullptr) { return Parsed::run; }
    std::fprintf(stderr, "brood run: %s\n", wrong);
    return refuse_usage("run");
}

}  // namespace run

extern const Manual kRunManual = {
    "run",
    "a command for each line of input, several at a time, none left behind",
    "[-j N] [-t SECONDS] [-k] [-0] [-a FILE] [OPTION...] COMMAND [WORD...]",
    "Run COMMAND once for each line of standard input, several at a time, as xargs -P and GNU "
    "parallel do. The line, whatever is in it, is one argument: no shell and no quoting. An empty "
    "line is an empty argument; without a line there is no job.\n"
    "\n"
    "The argument replaces {} in COMMAND and its WORDs; where nothing is to be replaced it is "
    "added as the last.\n"
    "  {}    the argument              {#}   the number of the job, from 1\n"
    "  {.}   without its extension     {%}   which of the jobs that run at a time, from 1\n"
    "  {/}   its last part             {//}  its folder\n"
    "  {/.}  its last part, without extension",
    run::kOptions,
    std::size(run::kOptions),
    "A job reads /dev/null and leads a process group, which ends with it: what is left of the "
    "group when the job itself has ended gets SIGTERM and, --kill-after later, SIGKILL. So it is "
    "when a job is timed out or halted, and with all of them when brood run is interrupted "
    "(SIGINT, SIGTERM, SIGHUP); a second signal kills at once. When brood run itself is killed "
    "(kill -9), all jobs are killed. What has left its group, as daemons do, lives on.\n"
    "\n"
    "A job is in the job log once its output has been written. Jobs that brood run itself has "
    "stopped (--halt, signals) are not in there, those that were timed out are (Exitval -1).",
    "0 if every job succeeded; otherwise as xargs': 123 if one ended with 1 to 125; 124 if one "
    "ended with 255, after which no more are started; 125 if one was killed by a signal or timed "
    "out; 126 if COMMAND cannot be run and 127 if it is not found, after which no more are "
    "started; 1 if anything else went wrong. Of several that apply, the last in this order: 123, "
    "125, 124, 126, 127, 1.",
    Operands::programs,
    true,
};

}  // namespace tool
