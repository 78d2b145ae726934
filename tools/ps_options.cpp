#include <tools/ps_options.hpp>

#include <getopt.h>

#include <cstdio>
#include <cstring>

namespace tool {
namespace {

constexpr std::int64_t kLeastMs = 100, kMostMs = 3600000;

constexpr const char* kHelp =
    "Usage: brood ps [-l] [-w] [-n SECONDS] [--json]\n"
    "\n"
    "List the pools of this user that are announced (PoolOptions().announce()), the oldest first,\n"
    "and how they are getting on. What dead ones have left is removed.\n"
    "\n"
    "  -l, --long               also each worker: its pid, what it does, its task, how long\n"
    "  -w, --watch              look again and again; on a terminal always in the same place\n"
    "  -n, --interval=SECONDS   how often, 0.1 to 3600 (default: 1); implies -w\n"
    "  -j, --json               an array of objects in one line; times in milliseconds\n"
    "  -h, --help               print this and end\n"
    "  -V, --version            print the version and end\n"
    "\n"
    "WORKERS are those that are there and those that there shall be; FAILED are the tasks whose\n"
    "worker died, or that took too long; RESTARTS are workers that were replaced; PROGRESS is\n"
    "that of the map at work, or of all tasks. Numbers may be half a second old.\n"
    "\n"
    "Exit status: 0 if the list is complete, also if it is empty; 1 if it could not be made, or\n"
    "if the usage was wrong.\n";

/// "2", "0.5", ".25": digits and at most one point.
bool parse_seconds(const char* text, std::int64_t& ms) noexcept {
    std::int64_t value = 0;
    int digits = 0, decimals = -1;  // -1: no point yet
    for (const char* at = text; *at != '\0'; ++at) {
        if (*at == '.' && decimals < 0) {
            decimals = 0;
        } else if (*at >= '0' && *at <= '9' && digits < 9) {
            ++digits;
            if (decimals >= 3) { continue; }  // Less than a millisecond.
            value = value * 10 + (*at - '0');
            decimals += decimals < 0 ? 0 : 1;
        } else {
            return false;
        }
    }
    for (int i = decimals < 0 ? 0 : decimals; i < 3; ++i) { value *= 10; }
    ms = value;
    return digits > 0 && value >= kLeastMs && value <= kMostMs;
}

}  // namespace

Parsed parse_ps_options(int count, char** arguments, PsOptions& options) noexcept {
    static constexpr option kNames[] = {
        {"long", no_argument, nullptr, 'l'},
        {"watch", no_argument, nullptr, 'w'},
        {"interval", required_argument, nullptr, 'n'},
        {"json", no_argument, nullptr, 'j'},
        {"help", no_argument, nullptr, 'h'},
        {"version", no_argument, nullptr, 'V'},
        {nullptr, 0, nullptr, 0},
    };
    int letter = 0;
    while ((letter = getopt_long(count, arguments, "lwn:jhV", kNames, nullptr)) != -1) {
        switch (letter) {
            case 'l': options.with_workers = true; break;
            case 'w': options.watch = true; break;
            case 'j': options.json = true; break;
            case 'n':
                options.watch = true;
                if (parse_seconds(optarg, options.interval_ms)) { break; }
                std::fprintf(stderr, "brood ps: -n takes seconds from 0.1 to 3600, not '%s'\n",
                             optarg);
                return refuse_usage("ps");
            case 'h': std::fputs(kHelp, stdout); return Parsed::finished;
            case 'V': return print_version();
            default: return refuse_usage("ps");  // getopt_long() has said what is wrong.
        }
    }
    if (optind == count) { return Parsed::run; }
    std::fprintf(stderr, "brood ps: it takes no '%s'\n", arguments[optind]);
    return refuse_usage("ps");
}

}  // namespace tool
