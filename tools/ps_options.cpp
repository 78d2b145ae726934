#include <tools/ps_options.hpp>

#include <cstdio>
#include <iterator>

namespace tool {
namespace {

constexpr std::int64_t kLeastMs = 100, kMostMs = 3600000;

constexpr Option kOptions[] = {
    {'l', "long", nullptr, "also each worker: its pid, what it does, its task, how long"},
    {'w', "watch", nullptr, "look again and again; on a terminal always in the same place"},
    {'n', "interval", "SECONDS", "how often, 0.1 to 3600 (default: 1); implies -w"},
    {'j', "json", nullptr, "an array of objects in one line; times in milliseconds"},
};

}  // namespace

extern const Manual kPsManual = {
    "ps",
    "the pools of this user that are announced, and how they are getting on",
    "[-l] [-w] [-n SECONDS] [--json]",
    "List the pools of this user that are announced (PoolOptions().announce()), the oldest first, "
    "and how they are getting on. What dead ones have left is removed.",
    kOptions,
    std::size(kOptions),
    "WORKERS are those that are there and those that there shall be; FAILED are the tasks whose "
    "worker died, or that took too long; RESTARTS are workers that were replaced; PROGRESS is that "
    "of the map at work, or of all tasks. Numbers may be half a second old.",
    "0 if the list is complete, also if it is empty; 1 if it could not be made, or if the usage "
    "was wrong.",
    Operands::none,
    false,
};

Parsed parse_ps_options(int count, char** arguments, PsOptions& options) noexcept {
    int first = 0;
    const Parsed parsed =
        parse_options(kPsManual, count, arguments, first, [&](const Given& given) {
            switch (given.key()) {
                case 'l': options.with_workers = true; return true;
                case 'w': options.watch = true; return true;
                case 'j': options.json = true; return true;
                case 'n':
                    options.watch = true;
                    return given.seconds(kLeastMs, kMostMs, options.interval_ms);
                default: return false;
            }
        });
    if (parsed != Parsed::run || first == count) { return parsed; }
    std::fprintf(stderr, "brood ps: it takes no '%s'\n", arguments[first]);
    return refuse_usage("ps");
}

}  // namespace tool
