#include <tools/sum_options.hpp>

#include <cstdio>
#include <iterator>

#include <brood/pool.hpp>
#include <brood/this_process.hpp>

namespace tool {
namespace {

constexpr Option kOptions[] = {
    {'c', "check", nullptr, "each PATH is a list as sha256sum prints it: verify its files"},
    {'j', "jobs", "N", "work with N processes (default: the CPUs that may be used)"},
};

}  // namespace

extern const Manual kSumManual = {
    "sum",
    "SHA-256 of every file below some paths, or the check of a list of them",
    "[-j N] PATH...\n"
    "[-j N] -c FILE...",
    "Print the SHA-256 of every regular file below the PATHs exactly as sha256sum does, several "
    "files at a time, in the order of the paths (as `find PATH -type f | LC_ALL=C sort`). A PATH "
    "may be a symbolic link; links below it are not followed. \"-\" is standard input.",
    kOptions,
    std::size(kOptions),
    "Progress is shown if standard error is a terminal. What could not be read is named there. A "
    "file whose worker process is killed is done again once.",
    "0 if all is well; 1 if a file could not be read or does not match, if output could not be "
    "written, or if the usage was wrong; as sha256sum's.",
    Operands::files,
    false,
};

Parsed parse_sum_options(int count, char** arguments, SumOptions& options) noexcept {
    options.workers = brood::cpu_count();
    int first = 0;
    const Parsed parsed =
        parse_options(kSumManual, count, arguments, first, [&](const Given& given) {
            std::int64_t workers = 0;
            switch (given.key()) {
                case 'c': options.check = true; return true;
                case 'j':
                    if (!given.number(1, brood::PoolOptions::kWorkersMax, workers)) {
                        return false;
                    }
                    options.workers = static_cast<std::uint32_t>(workers);
                    return true;
                default: return false;
            }
        });
    if (parsed != Parsed::run) { return parsed; }
    options.paths = arguments + first;
    options.path_count = count - first;
    if (options.path_count > 0) { return Parsed::run; }
    std::fputs(
        options.check ? "brood sum: -c needs a FILE with a list\n" : "brood sum: which PATH?\n",
        stderr);
    return refuse_usage("sum");
}

}  // namespace tool
