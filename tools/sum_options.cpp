#include <tools/sum_options.hpp>

#include <getopt.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include <brood/pool.hpp>
#include <brood/this_process.hpp>
namespace tool {
namespace {

/// One row an option: both the parser and --help are made from it.
struct Row {
    char letter;
    const char* name;
    const char* value;  ///< What stands for its argument in --help; null: it takes none.
    const char* help;
};

enum : char { kCheck = 'c', kHelp = 'h', kJobs = 'j', kVersion = 'V' };

constexpr Row kRows[] = {
    {kCheck, "check", nullptr, "each PATH is a list as sha256sum prints it: verify its files"},
    {kJobs, "jobs", "N", "work with N processes (default: the CPUs that may be used)"},
    {kHelp, "help", nullptr, "print this and end"},
    {kVersion, "version", nullptr, "print the version and end"},
};
constexpr std::size_t kRowCount = std::size(kRows);

constexpr const char* kIntroduction =
    "Usage: brood sum [-j N] PATH...\n"
    "       brood sum [-j N] -c FILE...\n"
    "\n"
    "Print the SHA-256 of every regular file below the PATHs exactly as sha256sum does, several\n"
    "files at a time, in the order of the paths (as `find PATH -type f | LC_ALL=C sort`).\n"
    "A PATH may be a symbolic link; links below it are not followed. \"-\" is standard input.\n"
    "\n";

constexpr const char* kRemarks =
    "\n"
    "Progress is shown if standard error is a terminal. What could not be read is named there.\n"
    "A file whose worker process is killed is done again once.\n"
    "\n"
    "Exit status, as sha256sum's: 0 if all is well; 1 if a file could not be read or does not\n"
    "match, if output could not be written, or if the usage was wrong.\n";

void print_help() noexcept {
    std::fputs(kIntroduction, stdout);
    for (const Row& row : kRows) {
        char name[32];
        const bool has_value = row.value != nullptr;
        std::snprintf(name, sizeof name, "--%s%s%s", row.name, has_value ? "=" : "",
                      has_value ? row.value : "");
        std::printf("  -%c, %-12s %s\n", row.letter, name, row.help);
    }
    std::fputs(kRemarks, stdout);
}

/// What getopt_long() wants to know, made from kRows.
struct Table {
    char letters[2 * kRowCount + 1] = {};
    option names[kRowCount + 1] = {};

    Table() noexcept {
        std::size_t at = 0;
        for (std::size_t i = 0; i < kRowCount; ++i) {
            const bool has_value = kRows[i].value != nullptr;
            letters[at++] = kRows[i].letter;
            if (has_value) { letters[at++] = ':'; }
            names[i] = {kRows[i].name, has_value ? required_argument : no_argument, nullptr,
                        kRows[i].letter};
        }
    }
};

/// Digits only: no sign, no space, nothing behind them.
bool parse_workers(const char* text, std::uint32_t& workers) noexcept {
    constexpr std::size_t kDigitsMax = 9;
    const std::size_t length = std::strlen(text);
    const bool is_number = length > 0 && length <= kDigitsMax &&
                           std::strspn(text, "0123456789") == length;
    const unsigned long value = is_number ? std::strtoul(text, nullptr, 10) : 0;
    if (value >= 1 && value <= brood::PoolOptions::kWorkersMax) {
        workers = static_cast<std::uint32_t>(value);
        return true;
    }
    std::fprintf(stderr, "brood sum: -j takes a number of processes from 1 to %u, not '%s'\n",
                 brood::PoolOptions::kWorkersMax, text);
    return false;
}

}  // namespace

Parsed parse_sum_options(int count, char** arguments, SumOptions& options) noexcept {
    const Table table;
    options.workers = brood::cpu_count();
    int letter = 0;
    while ((letter = getopt_long(count, arguments, table.letters, table.names, nullptr)) != -1) {
        switch (letter) {
            case kCheck: options.check = true; break;
            case kJobs:
                if (!parse_workers(optarg, options.workers)) { return refuse_usage("sum"); }
                break;
            case kHelp: print_help(); return Parsed::finished;
            case kVersion: return print_version();
            default: return refuse_usage("sum");  // getopt_long() has said what is wrong.
        }
    }
    options.paths = arguments + optind;
    options.path_count = count - optind;
    if (options.path_count > 0) { return Parsed::run; }
    std::fputs(
        options.check ? "brood sum: -c needs a FILE with a list\n" : "brood sum: which PATH?\n",
        stderr);
    return refuse_usage("sum");
}

}  // namespace tool
