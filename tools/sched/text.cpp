#include <algorithm>
#include <cmath>
#include <cstring>

#include <tools/json_text.hpp>
#include <tools/sched/report.hpp>

namespace tool::sched {
namespace {

constexpr int kColumns = 64;

/// How much of [begin, end) the job does something of this kind.
std::int64_t share(const Schedule& schedule, std::size_t job, Schedule::Does does,
                   std::int64_t begin, std::int64_t end) noexcept {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < schedule.span_count; ++i) {
        const Schedule::Span& span = schedule.spans[i];
        if (span.job != job || span.does != does) { continue; }
        sum += std::max<std::int64_t>(0, std::min(end, span.end) - std::max(begin, span.begin));
    }
    return sum;
}

/// What the job does for most of that time.
char letter(const Schedule& schedule, std::size_t job, std::int64_t begin,
            std::int64_t end) noexcept {
    const Schedule::Times& times = schedule.times[job];
    const std::int64_t there = std::min(end, times.end) - std::max(begin, times.arrival);
    if (there * 2 < end - begin) { return ' '; }
    const std::int64_t run = share(schedule, job, Schedule::Does::run, begin, end);
    const std::int64_t io = share(schedule, job, Schedule::Does::io, begin, end);
    const std::int64_t ready = there - run - io;
    if (run >= io && run >= ready) { return '#'; }
    return io >= ready ? '-' : '.';
}

/// 1, 2, 5, 10, ...: the least of them that is not below `least`.
std::int64_t round_step(double least) noexcept {
    for (std::int64_t ten = 1;; ten *= 10) {
        for (const std::int64_t factor : {1, 2, 5}) {
            if (static_cast<double>(factor * ten) >= least) { return factor * ten; }
        }
    }
}

/// The longest name, or the length of the word below which they stand.
int width(const Jobs& jobs) noexcept {
    std::size_t most = 4;
    for (std::size_t i = 0; i < jobs.count; ++i) {
        most = std::max(most, std::strlen(jobs.list[i].name));
    }
    return static_cast<int>(most);
}

void print_chart(std::FILE* to, const Jobs& jobs, const Timed& timed) noexcept {
    const Schedule& schedule = *timed.schedule;
    const double length = timed.ticks(schedule.length);
    // Whole columns for a tick where there is room, or whole ticks for a column.
    const double column = length <= kColumns
                              ? 1 / std::clamp(std::floor(kColumns / length), 1.0, 6.0)
                              : std::ceil(length / kColumns);
    const int columns = static_cast<int>(std::ceil(length / column - 1e-9));
    for (std::size_t job = 0; job < jobs.count; ++job) {
        char row[kColumns + 2] = "";
        for (int i = 0; i < columns && i <= kColumns; ++i) {
            const auto begin = static_cast<std::int64_t>(i * column * timed.tick);
            const auto end = static_cast<std::int64_t>((i + 1) * column * timed.tick);
            row[i] = letter(schedule, job, begin, std::max(end, begin + 1));
        }
        for (std::size_t last = std::strlen(row); last > 0 && row[last - 1] == ' ';) {
            row[--last] = '\0';
        }
        std::fprintf(to, "  %-*s %s\n", width(jobs), jobs.list[job].name, row);
    }
    const std::int64_t step = round_step(6 * column);
    std::fprintf(to, "  %*s", width(jobs), "");
    int at = 0;
    for (std::int64_t tick = 0; static_cast<double>(tick) <= length; tick += step) {
        const int place = static_cast<int>(static_cast<double>(tick) / column) + 1;
        at +=
            std::fprintf(to, "%*s%lld", std::max(place - at, 0), "", static_cast<long long>(tick));
    }
    std::fputs(" ticks\n", to);
}

void print_pair(std::FILE* to, double real, double book) noexcept {
    char in_brackets[32];
    std::snprintf(in_brackets, sizeof in_brackets, "(%.5g)", book);
    std::fprintf(to, "%8.1f %-10s", real, in_brackets);
}

}  // namespace

Means means(const Jobs& jobs, const Timed& timed) noexcept {
    Means sums = {0, 0, 0};
    for (std::size_t job = 0; job < jobs.count; ++job) {
        sums.waiting += timed.ticks(timed.schedule->waiting(job));
        sums.turnaround += timed.ticks(timed.schedule->turnaround(job));
        sums.response += timed.ticks(timed.schedule->response(job));
    }
    const auto count = static_cast<double>(jobs.count);
    return {sums.waiting / count, sums.turnaround / count, sums.response / count};
}

/// How much of the time in which jobs had the CPU somebody else had it: a job runs until its own
/// CPU clock says that its bursts are over.
static double lost_to_others(const Jobs& jobs, const Outcome& outcome) noexcept {
    double ran = 0, wanted = 0;
    for (std::size_t job = 0; job < jobs.count; ++job) {
        if (outcome.real.schedule->times[job].killed_by != 0) { return 0; }
        ran += outcome.real.ticks(outcome.real.schedule->times[job].ran);
        wanted += outcome.book.ticks(outcome.book.schedule->times[job].ran);
    }
    return (ran - wanted) / ran;
}

void print_rules(std::FILE* to, const Rules& rules) noexcept {
    std::fputs(long_name(rules.policy), to);
    const bool is_mlfq = rules.policy == Policy::mlfq;
    if (rules.policy == Policy::rr || is_mlfq) {
        std::fprintf(to, ", quantum %lld", static_cast<long long>(rules.quantum));
    }
    if (is_mlfq && rules.boost > 0) {
        std::fprintf(to, ", boost %lld", static_cast<long long>(rules.boost));
    }
}

void print_outcome(std::FILE* to, const Jobs& jobs, const Outcome& outcome) noexcept {
    std::fprintf(to, "%s: ", short_name(outcome.rules.policy));
    print_rules(to, outcome.rules);
    std::fputs("\n\n", to);
    print_chart(to, jobs, outcome.real);
    const int names = width(jobs);
    std::fprintf(to, "\n  %-*s   waiting (book)  turnaround (book)  response (book)\n", names,
                 "job");
    for (std::size_t job = 0; job < jobs.count; ++job) {
        const auto pair = [&](std::int64_t (Schedule::*what)(std::size_t) const noexcept) {
            const Schedule &real = *outcome.real.schedule, &book = *outcome.book.schedule;
            print_pair(to, outcome.real.ticks((real.*what)(job)),
                       outcome.book.ticks((book.*what)(job)));
        };
        std::fprintf(to, "  %-*s", names, jobs.list[job].name);
        pair(&Schedule::waiting);
        pair(&Schedule::turnaround);
        pair(&Schedule::response);
        const int signal = outcome.real.schedule->times[job].killed_by;
        if (signal != 0) { std::fprintf(to, " killed: %s", strsignal(signal)); }
        std::fputc('\n', to);
    }
    const double others = lost_to_others(jobs, outcome);
    if (others >= 0.05) {
        std::fprintf(to, "  Other programs had %.0f %% of the jobs' CPU meanwhile.\n",
                     others * 100);
    }
    std::fputc('\n', to);
}

void print_comparison(std::FILE* to, const Jobs& jobs, const Outcome* outcomes,
                      std::size_t count) noexcept {
    std::fputs("  mean   waiting (book)    turnaround (book) response (book)   switches (book)\n",
               to);
    for (std::size_t i = 0; i < count; ++i) {
        const Outcome& one = outcomes[i];
        const Means real = means(jobs, one.real), book = means(jobs, one.book);
        std::fprintf(to, "  %-4s", short_name(one.rules.policy));
        print_pair(to, real.waiting, book.waiting);
        print_pair(to, real.turnaround, book.turnaround);
        print_pair(to, real.response, book.response);
        std::fprintf(to, "%10lld (%lld)\n", static_cast<long long>(one.real.schedule->switches),
                     static_cast<long long>(one.book.schedule->switches));
    }
}

namespace {

void print_json_schedule(std::FILE* to, const Jobs& jobs, const Timed& timed) noexcept {
    const Schedule& schedule = *timed.schedule;
    std::fprintf(to, "{\"length\":%.4f,\"switches\":%lld,\"jobs\":[", timed.ticks(schedule.length),
                 static_cast<long long>(schedule.switches));
    for (std::size_t job = 0; job < jobs.count; ++job) {
        std::fputs(job == 0 ? "{\"name\":" : ",{\"name\":", to);
        print_json_text(to, jobs.list[job].name);
        std::fprintf(to,
                     ",\"arrival\":%.4f,\"first_run\":%.4f,\"end\":%.4f,\"ran\":%.4f,\"waiting\":"
                     "%.4f,\"turnaround\":%.4f,\"response\":%.4f,\"killed_by\":%d}",
                     timed.ticks(schedule.times[job].arrival),
                     timed.ticks(schedule.times[job].first_run),
                     timed.ticks(schedule.times[job].end), timed.ticks(schedule.times[job].ran),
                     timed.ticks(schedule.waiting(job)), timed.ticks(schedule.turnaround(job)),
                     timed.ticks(schedule.response(job)), schedule.times[job].killed_by);
    }
    std::fputs("],\"spans\":[", to);
    for (std::size_t i = 0; i < schedule.span_count; ++i) {
        const Schedule::Span& span = schedule.spans[i];
        std::fprintf(to, "%s{\"job\":%zu,\"does\":\"%s\",\"begin\":%.4f,\"end\":%.4f}",
                     i == 0 ? "" : ",", span.job, span.does == Schedule::Does::run ? "run" : "io",
                     timed.ticks(span.begin), timed.ticks(span.end));
    }
    std::fputs("]}", to);
}

}  // namespace

void print_json(std::FILE* to, const Jobs& jobs, const Outcome* outcomes,
                std::size_t count) noexcept {
    std::fputs("{\"policies\":[", to);
    for (std::size_t i = 0; i < count; ++i) {
        const Outcome& one = outcomes[i];
        std::fprintf(
            to, "%s{\"policy\":\"%s\",\"quantum\":%lld,\"boost\":%lld,\"book\":", i == 0 ? "" : ",",
            short_name(one.rules.policy), static_cast<long long>(one.rules.quantum),
            static_cast<long long>(one.rules.boost));
        print_json_schedule(to, jobs, one.book);
        if (one.real.schedule != one.book.schedule) {
            std::fputs(",\"real\":", to);
            print_json_schedule(to, jobs, one.real);
        }
        std::fputc('}', to);
    }
    std::fputs("]}\n", to);
}

}  // namespace tool::sched
