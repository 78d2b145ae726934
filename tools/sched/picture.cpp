#include <algorithm>
#include <cmath>

#include <tools/sched/report.hpp>
#include <tools/xml_text.hpp>

namespace tool::sched {
namespace {

// Of Okabe and Ito's palette, which the colour-blind can tell apart.
constexpr const char *kRun = "#0072b2", *kReady = "#f0c48a", *kIo = "#009e73";
constexpr int kLeft = 110, kWidth = 760, kRow = 26, kBar = 16, kBook = 4, kTop = 64, kTitle = 30,
              kAxis = 34;

int height(const Jobs& jobs) noexcept {
    return kTitle + static_cast<int>(jobs.count) * kRow + kAxis;
}

struct Scale {
    double length;  // ticks
    double x(double tick) const noexcept { return kLeft + tick / length * kWidth; }
};

void bar(std::FILE* to, const Scale& scale, double begin, double end, double y, int thickness,
         const char* colour) noexcept {
    std::fprintf(to, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>\n",
                 scale.x(begin), y, std::max(scale.x(end) - scale.x(begin), 0.5), thickness,
                 colour);
}

/// Ready all the time that it is there, and what it does over that.
void draw_job(std::FILE* to, const Scale& scale, const Timed& timed, std::size_t job, double y,
              int thickness) noexcept {
    const Schedule& schedule = *timed.schedule;
    const Schedule::Times& times = schedule.times[job];
    bar(to, scale, timed.ticks(times.arrival), timed.ticks(times.end), y, thickness, kReady);
    for (std::size_t i = 0; i < schedule.span_count; ++i) {
        const Schedule::Span& span = schedule.spans[i];
        if (span.job != job) { continue; }
        bar(to, scale, timed.ticks(span.begin), timed.ticks(span.end), y, thickness,
            span.does == Schedule::Does::run ? kRun : kIo);
    }
    if (times.killed_by != 0) {
        std::fprintf(to, "<text x=\"%.2f\" y=\"%.1f\" class=\"note\">killed by signal %d</text>\n",
                     scale.x(timed.ticks(times.end)) + 4, y + 11, times.killed_by);
    }
}

void draw_axis(std::FILE* to, const Scale& scale, int y, int rows) noexcept {
    double step = std::pow(10, std::floor(std::log10(scale.length / 5)));
    while (scale.length / step > 12) { step *= scale.length / step > 24 ? 5 : 2; }
    step = std::max(step, 1.0);
    for (double tick = 0; tick <= scale.length; tick += step) {
        std::fprintf(to,
                     "<line x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%d\" class=\"grid\"/>"
                     "<text x=\"%.2f\" y=\"%d\" class=\"tick\">%g</text>\n",
                     scale.x(tick), y - rows, scale.x(tick), y + 4, scale.x(tick), y + 17, tick);
    }
    std::fprintf(to, "<text x=\"%d\" y=\"%d\" class=\"unit\">ticks</text>\n", kLeft + kWidth + 8,
                 y + 17);
}

void draw_outcome(std::FILE* to, const Jobs& jobs, const Outcome& outcome, const Scale& scale,
                  int top) noexcept {
    const Means real = means(jobs, outcome.real), book = means(jobs, outcome.book);
    std::fprintf(to, "<text x=\"16\" y=\"%d\" class=\"title\">", top + 18);
    print_rules(to, outcome.rules);
    std::fprintf(to,
                 "</text><text x=\"%d\" y=\"%d\" class=\"means\">mean waiting %.1f (%.4g), "
                 "turnaround %.1f (%.4g), response %.1f (%.4g) ticks</text>\n",
                 kLeft + kWidth, top + 18, real.waiting, book.waiting, real.turnaround,
                 book.turnaround, real.response, book.response);
    const int rows = static_cast<int>(jobs.count) * kRow;
    draw_axis(to, scale, top + kTitle + rows, rows);
    for (std::size_t job = 0; job < jobs.count; ++job) {
        const int y = top + kTitle + static_cast<int>(job) * kRow;
        std::fprintf(to, "<text x=\"%d\" y=\"%d\" class=\"name\">", kLeft - 8, y + 15);
        print_xml_text(to, jobs.list[job].name);
        std::fputs("</text>\n", to);
        draw_job(to, scale, outcome.real, job, y + 2, kBar);
        draw_job(to, scale, outcome.book, job, y + 2 + kBar + 1, kBook);
    }
}

void draw_legend(std::FILE* to) noexcept {
    const struct {
        const char *colour, *word;
    } all[] = {{kRun, "on the CPU"}, {kReady, "ready, waits for it"}, {kIo, "waits for I/O"}};
    int x = kLeft;
    for (const auto& one : all) {
        std::fprintf(to,
                     "<rect x=\"%d\" y=\"34\" width=\"14\" height=\"14\" fill=\"%s\"/>"
                     "<text x=\"%d\" y=\"46\" class=\"word\">%s</text>\n",
                     x, one.colour, x + 20, one.word);
        x += 170;
    }
    std::fprintf(to,
                 "<text x=\"%d\" y=\"46\" class=\"word\">thick: measured, thin (in brackets): "
                 "textbook</text>\n",
                 x);
}

}  // namespace

void draw_outcomes(std::FILE* to, const Jobs& jobs, const Outcome* outcomes,
                   std::size_t count) noexcept {
    Scale scale = {1};
    for (std::size_t i = 0; i < count; ++i) {
        for (const Timed& timed : {outcomes[i].real, outcomes[i].book}) {
            scale.length = std::max(scale.length, timed.ticks(timed.schedule->length));
        }
    }
    const int width = kLeft + kWidth + 60, whole = kTop + static_cast<int>(count) * height(jobs);
    std::fprintf(
        to,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<style>.title{font-weight:bold;font-size:14px}.name,.means{text-anchor:end}"
        ".tick{text-anchor:middle;fill:#555}.unit,.note,.means{fill:#555}"
        ".grid{stroke:#ddd}</style>\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
        "<text x=\"16\" y=\"22\" class=\"title\">brood sched: %zu jobs on one CPU</text>\n",
        width, whole, width, whole, jobs.count);
    draw_legend(to);
    for (std::size_t i = 0; i < count; ++i) {
        draw_outcome(to, jobs, outcomes[i], scale, kTop + static_cast<int>(i) * height(jobs));
    }
    std::fputs("</svg>\n", to);
}

}  // namespace tool::sched
