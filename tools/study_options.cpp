#include <tools/study_options.hpp>

#include <cstdio>
#include <iterator>

namespace tool {
namespace {

constexpr Option kOptions[] = {
    {'t', "trace", nullptr,
     "print each system call of the library as it is made: when, by which process, for which "
     "public call, its arguments, result and time"},
    {'T', "timeline", "FILE",
     "draw the processes over time, as SVG: what each ran, waited for and held, and how it ended"},
    {'J', "trace-json", "FILE", "write the same in Chrome's trace format, for ui.perfetto.dev"},
};

}  // namespace

extern const Manual kStudyManual = {
    "study",
    "run an example, and see the system calls of each process, or a picture",
    "\n"
    "NAME [--trace] [--timeline=FILE] [--trace-json=FILE] [--] [ARG...]",
    "List the examples; or run one, with its arguments, and see what happens in it.",
    kOptions,
    std::size(kOptions),
    "Times are in seconds of the monotonic clock. BROOD_PACE=0.1 lets an example run ten times as "
    "fast. A call that may sleep is shown before it, too, with '...' at its end; lines with '--' "
    "are no calls, but tell what else a reader of pictures must know.",
    "that of the example, 128 and its number if a signal ended it; 1 if it could not be run, or "
    "the usage was wrong.",
    Operands::examples,
    false,
};

Parsed parse_study_options(int count, char** arguments, StudyOptions& options) noexcept {
    int first = 0;
    const Parsed parsed =
        parse_options(kStudyManual, count, arguments, first, [&](const Given& given) {
            switch (given.key()) {
                case 't': options.trace = true; return true;
                case 'T': options.timeline = given.value(); return true;
                case 'J': options.json = given.value(); return true;
                default: return false;
            }
        });
    if (parsed != Parsed::run) { return parsed; }
    if (first < count) { options.program = arguments + first; }
    const bool wants_one = options.trace || options.timeline != nullptr || options.json != nullptr;
    if (options.program != nullptr || !wants_one) { return Parsed::run; }
    std::fputs("brood study: say which example; brood study lists them\n", stderr);
    return refuse_usage("study");
}

}  // namespace tool
