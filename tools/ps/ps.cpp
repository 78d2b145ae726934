// brood ps: the pools and daemons of this user.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include <brood/pool_view.hpp>
#include <tools/command.hpp>
#include <tools/proc.hpp>
#include <tools/ps/daemons.hpp>
#include <tools/ps/format.hpp>
#include <tools/ps/options.hpp>

namespace tool {
namespace {

constexpr std::size_t kPoolsMax = 256, kWorkersMax = brood::PoolOptions::kWorkersMax;

/// One look at all pools.
class Listing {
public:
    /// False: it could not be made, and that has been said.
    bool make() noexcept {
        const brood::Result<std::size_t> found = brood::PoolView::list(views_, kPoolsMax);
        if (!found.ok()) {
            std::fprintf(stderr, "brood ps: the pools: %s\n", found.error().text());
            return false;
        }
        if (*found > kPoolsMax) {
            std::fprintf(stderr, "brood ps: %zu pools are more than it shows\n", *found);
        }
        count_ = 0;
        const std::size_t views = std::min(*found, kPoolsMax);
        for (std::size_t i = 0; i < views; ++i) {
            const brood::Result<brood::PoolReport> report = views_[i].read();
            if (!report.ok()) { continue; }  // It has ended meanwhile.
            age_[count_] = report->age_ms;
            views_[count_++] = views_[i];
        }
        sort();
        return true;
    }
    std::size_t count() const noexcept { return count_; }
    /// What the pool says now. False: it has ended.
    bool look(std::size_t index, bool with_workers, PoolLine& line) noexcept {
        const auto report = views_[index].read(with_workers ? workers_ : nullptr, kWorkersMax);
        if (!report.ok()) { return false; }
        line.report = *report;
        line.workers = with_workers ? workers_ : nullptr;
        line.worker_count = report->workers_listed;
        name_program(report->host_pid, line.program, sizeof line.program);
        return true;
    }

private:
    /// The oldest first.
    void sort() noexcept {
        for (std::size_t i = 1; i < count_; ++i) {
            for (std::size_t j = i; j > 0 && age_[j - 1] < age_[j]; --j) {
                std::swap(age_[j - 1], age_[j]);
                std::swap(views_[j - 1], views_[j]);
            }
        }
    }
    brood::PoolView views_[kPoolsMax];
    std::int64_t age_[kPoolsMax] = {};
    brood::WorkerStats workers_[kWorkersMax];
    std::size_t count_ = 0;
};

/// What is there now.
struct Look {
    Listing& pools;
    GrowingList<Daemon>& daemons;

    /// False: it cannot be told, and that has been said.
    bool make(const PsOptions& options) noexcept {
        if (options.pools && !pools.make()) { return false; }
        if (!options.daemons || list_daemons(daemons)) { return true; }
        std::fputs("brood ps: the daemons: there is no /proc\n", stderr);
        return false;
    }
};

void print_lines(Look& look, const PsOptions& options, const char* end) noexcept {
    bool has_pools = false, has_daemons = false;
    for (std::size_t i = 0; options.pools && i < look.pools.count(); ++i) {
        PoolLine line;
        if (!look.pools.look(i, options.with_workers, line)) { continue; }
        if (!std::exchange(has_pools, true)) { print_head(stdout, end); }
        print_pool(stdout, line, end);
    }
    for (const Daemon& daemon : look.daemons) {
        if (!std::exchange(has_daemons, true)) {
            if (has_pools) { std::fputs(end, stdout); }
            print_daemon_head(stdout, end);
        }
        print_daemon(stdout, daemon, end);
    }
    if (has_pools || has_daemons) { return; }
    // Where it is looked at again and again, it is part of what is seen there.
    std::FILE* const to = options.watch ? stdout : stderr;
    const char* const pools = "no pool of this user is announced (PoolOptions().announce())";
    std::fprintf(to, "%s%s%s%s", options.pools ? pools : "",
                 options.pools && options.daemons ? ", and " : "",
                 options.daemons ? "no daemon of this user runs" : "", options.watch ? end : "\n");
}

void print_array(Look& look, const PsOptions& options) noexcept {
    const char* before = "[";
    for (std::size_t i = 0; options.pools && i < look.pools.count(); ++i) {
        PoolLine line;
        if (!look.pools.look(i, options.with_workers, line)) { continue; }
        std::fputs(std::exchange(before, ","), stdout);
        print_json(stdout, line);
    }
    for (const Daemon& daemon : look.daemons) {
        std::fputs(std::exchange(before, ","), stdout);
        print_daemon_json(stdout, daemon);
    }
    std::fputs(*before == '[' ? "[]\n" : "]\n", stdout);
}

void sleep_for(std::int64_t ms) noexcept {
    const timespec time = {static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000 * 1000000)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

/// Until a signal ends it, or there is nobody who reads. On a terminal each look takes the place of
/// the one before.
int watch(Look& look, const PsOptions& options) noexcept {
    const bool in_place = !options.json && isatty(STDOUT_FILENO) != 0;
    if (in_place) { std::fputs("\033[2J", stdout); }
    for (bool is_first = true; look.make(options); is_first = false) {
        if (options.json) {
            print_array(look, options);
        } else if (in_place) {
            std::fputs("\033[H", stdout);
            print_lines(look, options, "\033[K\n");
            std::fputs("\033[J", stdout);
        } else {
            if (!is_first) { std::fputc('\n', stdout); }
            print_lines(look, options, "\n");
        }
        if (std::fflush(stdout) != 0) { break; }  // Who called us says so.
        sleep_for(options.interval_ms);
    }
    return kFailure;
}

}  // namespace

int run_ps(int count, char** arguments) {
    PsOptions options;
    switch (parse_ps_options(count, arguments, options)) {
        case Parsed::finished: return kSuccess;
        case Parsed::refused: return kFailure;
        case Parsed::run: break;
    }
    static Listing pools;
    GrowingList<Daemon> daemons;
    Look look = {pools, daemons};
    if (options.watch) { return watch(look, options); }
    if (!look.make(options)) { return kFailure; }
    if (options.json) {
        print_array(look, options);
    } else {
        print_lines(look, options, "\n");
    }
    return kSuccess;
}

}  // namespace tool
