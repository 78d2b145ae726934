#include <tools/ps/format.hpp>

#include <cinttypes>

#include <tools/json_text.hpp>
#include <tools/time_text.hpp>

namespace tool {
namespace {

using brood::PoolStats;
using brood::WorkerState;
using brood::WorkerStats;

const char* word_for(WorkerState state) noexcept {
    switch (state) {
        case WorkerState::starting: return "starting";
        case WorkerState::idle: return "idle";
        case WorkerState::running: return "running";
        case WorkerState::stopped: return "stopped";
        case WorkerState::stuck: return "stuck";
    }
    return "?";
}

void print_worker(std::FILE* to, const WorkerStats& worker, const char* end) noexcept {
    char busy[32] = "-", in_task[32] = "";
    if (worker.busy_ms >= 0) { format_time(busy, sizeof busy, worker.busy_ms); }
    std::fprintf(to, "  %9" PRId32 "  %-8s", worker.pid, word_for(worker.state));
    if (worker.tasks >= 0) {
        std::fprintf(to, "  busy %s in %" PRId64 " task%s", busy, worker.tasks,
                     worker.tasks == 1 ? "" : "s");
    }
    if (worker.task != WorkerStats::kNoTask) {
        if (worker.in_task_ms >= 0) { format_time(in_task, sizeof in_task, worker.in_task_ms); }
        std::fprintf(to, ", now in that of slot %" PRIu32 "%s%s", worker.task,
                     in_task[0] != '\0' ? " for " : "", in_task);
    }
    std::fputs(end, to);
}

void print_json_worker(std::FILE* to, const WorkerStats& worker) noexcept {
    std::fprintf(to, "{\"pid\":%" PRId32 ",\"index\":%" PRIu32 ",\"state\":\"%s\"", worker.pid,
                 worker.index, word_for(worker.state));
    if (worker.task != WorkerStats::kNoTask) {
        std::fprintf(to, ",\"slot\":%" PRIu32 ",\"in_task_ms\":%" PRId64, worker.task,
                     worker.in_task_ms);
    }
    std::fprintf(to, ",\"busy_ms\":%" PRId64 ",\"tasks\":%" PRId64 "}", worker.busy_ms,
                 worker.tasks);
}

}  // namespace

int percentage(std::uint64_t done, std::uint64_t total) noexcept {
    if (total == 0) { return -1; }
    if (done >= total) { return 100; }
    const double share = static_cast<double>(done) / static_cast<double>(total);
    return share < 0.99 ? static_cast<int>(share * 100) : 99;  // Not 100 before all is done.
}

void print_head(std::FILE* to, const char* end) noexcept {
    std::fprintf(to, "%-16s %7s %-15s %9s %8s %8s %10s %7s %8s %8s  %s%s", "NAME", "HOST",
                 "PROGRAM", "WORKERS", "QUEUED", "RUNNING", "DONE", "FAILED", "RESTARTS", "AGE",
                 "PROGRESS", end);
}

void print_pool(std::FILE* to, const PoolLine& pool, const char* end) noexcept {
    const brood::PoolReport& report = pool.report;
    const PoolStats& stats = report.stats;
    char workers[32], age[48];
    std::snprintf(workers, sizeof workers, "%" PRIu32 "/%" PRIu32, stats.alive, stats.workers);
    format_time(age, sizeof age, report.age_ms);
    std::fprintf(to,
                 "%-16s %7" PRId32 " %-15s %9s %8" PRIu64 " %8" PRIu64 " %10" PRIu64 " %7" PRIu64
                 " %8" PRIu64 " %8s",
                 report.name.empty() ? "-" : report.name.c_str(), report.host_pid,
                 pool.program[0] == '\0' ? "?" : pool.program, workers, stats.queued, stats.running,
                 stats.done, stats.failed + stats.timed_out, stats.replaced, age);
    const int percent = percentage(stats.progress_done, stats.progress_total);
    if (percent < 0) {
        std::fputs("  -", to);
    } else {
        std::fprintf(to, "  %d%% of %" PRIu64, percent, stats.progress_total);
    }
    if (stats.stuck > 0) { std::fprintf(to, ", %" PRIu32 " stuck", stats.stuck); }
    std::fputs(end, to);
    for (std::size_t i = 0; i < pool.worker_count; ++i) { print_worker(to, pool.workers[i], end); }
}

void print_json(std::FILE* to, const PoolLine& pool) noexcept {
    const brood::PoolReport& report = pool.report;
    const PoolStats& stats = report.stats;
    std::fputs("{\"name\":", to);
    print_json_text(to, report.name.c_str());
    std::fputs(",\"program\":", to);
    print_json_text(to, pool.program);
    std::fprintf(to, ",\"host\":%" PRId32 ",\"supervisor\":%" PRId32 ",\"age_ms\":%" PRId64,
                 report.host_pid, report.supervisor_pid, report.age_ms);
    const struct {
        const char* key;
        std::uint64_t value;
    } rows[] = {
        {"workers", stats.workers},
        {"alive", stats.alive},
        {"stopped", stats.stopped},
        {"stuck", stats.stuck},
        {"restarts", stats.replaced},
        {"queued", stats.queued},
        {"running", stats.running},
        {"done", stats.done},
        {"failed", stats.failed},
        {"timed_out", stats.timed_out},
        {"cancelled", stats.cancelled},
        {"progress_done", stats.progress_done},
        {"progress_total", stats.progress_total},
        {"shared_bytes", stats.shared_bytes},
    };
    for (const auto& row : rows) { std::fprintf(to, ",\"%s\":%" PRIu64, row.key, row.value); }
    if (pool.workers != nullptr) {
        std::fputs(",\"worker\":[", to);
        for (std::size_t i = 0; i < pool.worker_count; ++i) {
            if (i > 0) { std::fputc(',', to); }
            print_json_worker(to, pool.workers[i]);
        }
        std::fputc(']', to);
    }
    std::fputc('}', to);
}

}  // namespace tool
