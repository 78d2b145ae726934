#include <tools/sum_options.hpp>

#include <cstdio>
#include <iterator>

#include <brood/pool.hpp>
#include <brood/this_process.hpp>

namespace tool {
namespace {

enum Key : int { kTag = Option::kNoLetter, kIgnoreMissing, kQuiet, kStatus, kStrict };

constexpr Option kOptions[] = {
    {'c', "check", nullptr, "each PATH is a list as sha256sum prints it: verify its files"},
    {'j', "jobs", "N", "work with N processes (default: the CPUs that may be used)"},
    {'b', "binary", nullptr, "print '*' before each path; files are read alike"},
    {'t', "text", nullptr, "print ' ' before each path (the default)"},
    {kTag, "tag", nullptr, "print lines as BSD does: SHA256 (PATH) = DIGEST"},
    {'z', "zero", nullptr, "end each line with NUL, and escape no path"},
    {kIgnoreMissing, "ignore-missing", nullptr, "with -c: pass over files that are not there"},
    {kQuiet, "quiet", nullptr, "with -c: say nothing of files that match"},
    {kStatus, "status", nullptr, "with -c: print nothing, the exit status tells"},
    {kStrict, "strict", nullptr, "with -c: a line that is improper is a failure, too"},
    {'w', "warn", nullptr, "with -c: say which lines are improper"},
};

/// An option, and the other kind of work, in which it means nothing.
struct Meaningless {
    int key;
    bool in_check;
    const char* text;
};
constexpr Meaningless kMeaningless[] = {
    {'z', true, "the --zero option is not supported when verifying checksums"},
    {kTag, true, "the --tag option is meaningless when verifying checksums"},
    {'b', true, "the --binary and --text options are meaningless when verifying checksums"},
    {kIgnoreMissing, false,
     "the --ignore-missing option is meaningful only when verifying checksums"},
    {kStatus, false, "the --status option is meaningful only when verifying checksums"},
    {'w', false, "the --warn option is meaningful only when verifying checksums"},
    {kQuiet, false, "the --quiet option is meaningful only when verifying checksums"},
    {kStrict, false, "the --strict option is meaningful only when verifying checksums"},
};

/// What was given, in the words of sha256sum, which judges options only when it has them all.
struct Told {
    SumOptions& options;
    bool is_text = false, has_mode = false;

    bool take(const Given& given) noexcept {
        std::int64_t workers = 0;
        switch (given.key()) {
            case 'c': options.check = true; return true;
            case 'j':
                if (!given.number(1, brood::PoolOptions::kWorkersMax, workers)) { return false; }
                options.workers = static_cast<std::uint32_t>(workers);
                return true;
            case 'b':
            case 't':
                has_mode = true;
                options.style.binary = given.key() == 'b';
                is_text = given.key() == 't';
                return true;
            case kTag:
                options.style.tagged = true;
                options.style.binary = has_mode = true;
                is_text = false;
                return true;
            case 'z': options.style.zero = true; return true;
            case kIgnoreMissing: options.ignore_missing = true; return true;
            case kQuiet: options.says = CheckSays::failures_only; return true;
            case kStatus: options.says = CheckSays::nothing; return true;
            case 'w': options.says = CheckSays::lines_too; return true;
            case kStrict: options.strict = true; return true;
            default: return false;
        }
    }
    bool has(int key) const noexcept {
        switch (key) {
            case kTag: return options.style.tagged;
            case 'z': return options.style.zero;
            case 'b': return has_mode;
            case kIgnoreMissing: return options.ignore_missing;
            case kStatus: return options.says == CheckSays::nothing;
            case 'w': return options.says == CheckSays::lines_too;
            case kQuiet: return options.says == CheckSays::failures_only;
            case kStrict: return options.strict;
            default: return false;
        }
    }
    /// Null: they go together.
    const char* conflict() const noexcept {
        if (options.style.tagged && is_text) { return "--tag does not support --text mode"; }
        for (const Meaningless& row : kMeaningless) {
            if (row.in_check == options.check && has(row.key)) { return row.text; }
        }
        return nullptr;
    }
};

}  // namespace

extern const Manual kSumManual = {
    "sum",
    "SHA-256 of every file below some paths, or the check of a list of them",
    "[-j N] [-bt] [--tag] [-z] [PATH...]\n"
    "[-j N] -c [--ignore-missing] [--quiet] [--status] [--strict] [-w] [FILE...]",
    "Print the SHA-256 of every regular file below the PATHs exactly as sha256sum does, several "
    "files at a time, in the order of the paths (as `find PATH -type f | LC_ALL=C sort`). A PATH "
    "may be a symbolic link; links below it are not followed. \"-\", or no PATH at all, is "
    "standard input.",
    kOptions,
    std::size(kOptions),
    "Progress is shown if standard error is a terminal. What could not be read is named there. A "
    "file whose worker process is killed is done again once. Of --quiet, --status and -w the last "
    "counts.",
    "0 if all is well; 1 if a file could not be read or does not match, if output could not be "
    "written, or if the usage was wrong; as sha256sum's.",
    Operands::files,
    false,
};

Parsed parse_sum_options(int count, char** arguments, SumOptions& options) noexcept {
    options.workers = brood::cpu_count();
    int first = 0;
    Told told{options};
    const Parsed parsed = parse_options(kSumManual, count, arguments, first,
                                        [&](const Given& given) { return told.take(given); });
    if (parsed != Parsed::run) { return parsed; }
    if (const char* const conflict = told.conflict(); conflict != nullptr) {
        std::fprintf(stderr, "brood sum: %s\n", conflict);
        return refuse_usage("sum");
    }
    static const char* const kInput[] = {"-"};
    const bool has_paths = first < count;
    options.paths = has_paths ? arguments + first : kInput;
    options.path_count = has_paths ? count - first : 1;
    return Parsed::run;
}

}  // namespace tool
