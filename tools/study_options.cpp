#include <tools/study_options.hpp>

#include <getopt.h>

#include <cstdio>

namespace tool {
namespace {

constexpr const char* kHelp =
    "Usage: brood study\n"
    "       brood study NAME [--trace] [--timeline=FILE] [--trace-json=FILE] [--] [ARG...]\n"
    "\n"
    "List the examples; or run one, with its arguments, and see what happens in it.\n"
    "\n"
    "  -t, --trace            print each system call of the library as it is made: when, by which\n"
    "                         process, for which public call, its arguments, result and time\n"
    "  -T, --timeline=FILE    draw the processes over time, as SVG: what each ran, waited for and\n"
    "                         held, and how it ended\n"
    "  -J, --trace-json=FILE  write the same in Chrome's trace format, for ui.perfetto.dev\n"
    "  -h, --help             print this and end\n"
    "  -V, --version          print the version and end\n"
    "\n"
    "Times are in seconds of the monotonic clock. BROOD_PACE=0.1 lets an example run ten times as\n"
    "fast. A call that may sleep is shown before it, too, with '...' at its end; lines with '--'\n"
    "are no calls, but tell what else a reader of pictures must know.\n"
    "\n"
    "Exit status: that of the example, 128 and its number if a signal ended it; 1 if it could not\n"
    "be run, or the usage was wrong.\n";

}  // namespace

Parsed parse_study_options(int count, char** arguments, StudyOptions& options) noexcept {
    static constexpr option kNames[] = {
        {"trace", no_argument, nullptr, 't'},
        {"timeline", required_argument, nullptr, 'T'},
        {"trace-json", required_argument, nullptr, 'J'},
        {"help", no_argument, nullptr, 'h'},
        {"version", no_argument, nullptr, 'V'},
        {nullptr, 0, nullptr, 0},
    };
    int letter = 0;
    while ((letter = getopt_long(count, arguments, "tT:J:hV", kNames, nullptr)) != -1) {
        switch (letter) {
            case 't': options.trace = true; break;
            case 'T': options.timeline = optarg; break;
            case 'J': options.json = optarg; break;
            case 'h': std::fputs(kHelp, stdout); return Parsed::finished;
            case 'V': return print_version();
            default: return refuse_usage("study");  // getopt_long() has said what is wrong.
        }
    }
    if (optind < count) { options.program = arguments + optind; }
    const bool wants_one = options.trace || options.timeline != nullptr || options.json != nullptr;
    if (options.program != nullptr || !wants_one) { return Parsed::run; }
    std::fputs("brood study: say which example; brood study lists them\n", stderr);
    return refuse_usage("study");
}

}  // namespace tool
