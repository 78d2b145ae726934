#include <tools/ps/options.hpp>

#include <cstdio>
#include <iterator>

namespace tool {
namespace {

constexpr std::int64_t kLeastMs = 100, kMostMs = 3600000;

constexpr Option kOptions[] = {
    {'p', "pools", nullptr, "only the pools"},
    {'d', "daemons", nullptr, "only the daemons"},
    {'l', "long", nullptr, "also each worker: its pid, what it does, its task, how long"},
    {'w', "watch", nullptr, "look again and again; on a terminal always in the same place"},
    {'n', "interval", "SECONDS", "how often, 0.1 to 3600 (default: 1); implies -w"},
    {'j', "json", nullptr, "an array of objects in one line; times in milliseconds"},
};

}  // namespace

extern const Manual kPsManual = {
    "ps",
    "the pools and daemons of this user, and how they are getting on",
    "[-p] [-d] [-l] [-w] [-n SECONDS] [--json]",
    "List the pools of this user that are announced (PoolOptions().announce()) and the daemons "
    "(those of Process and exec that end with their host), the oldest first, and how they are "
    "getting on. What dead pools have left is removed.",
    kOptions,
    std::size(kOptions),
    "WORKERS are those that are there and those that there shall be; FAILED are the tasks whose "
    "worker died, or that took too long; RESTARTS are workers that were replaced; PROGRESS is that "
    "of the map at work, or of all tasks. Numbers may be half a second old.\n"
    "A daemon is told by the pipe through which Linux ends it with its HOST. Other children, and "
    "those that were detached, bear no mark and are not listed.",
    "0 if the list is complete, also if it is empty; 1 if it could not be made, or if the usage "
    "was wrong.",
    Operands::none,
    false,
};

Parsed parse_ps_options(int count, char** arguments, PsOptions& options) noexcept {
    int first = 0;
    bool has_chosen_pools = false, has_chosen_daemons = false;
    const Parsed parsed =
        parse_options(kPsManual, count, arguments, first, [&](const Given& given) {
            switch (given.key()) {
                case 'p': has_chosen_pools = true; return true;
                case 'd': has_chosen_daemons = true; return true;
                case 'l': options.with_workers = true; return true;
                case 'w': options.watch = true; return true;
                case 'j': options.json = true; return true;
                case 'n':
                    options.watch = true;
                    return given.seconds(kLeastMs, kMostMs, options.interval_ms);
                default: return false;
            }
        });
    if (has_chosen_pools != has_chosen_daemons) {
        options.pools = has_chosen_pools;
        options.daemons = has_chosen_daemons;
    }
    if (parsed != Parsed::run || first == count) { return parsed; }
    std::fprintf(stderr, "brood ps: it takes no '%s'\n", arguments[first]);
    return refuse_usage("ps");
}

}  // namespace tool
