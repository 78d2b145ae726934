#include <tools/run/summary.hpp>

#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>

#include <brood/signals.hpp>

namespace tool::run {
namespace {

constexpr std::int64_t kDrawNs = 100 * kMillisecond;
constexpr std::size_t kLineMax = 79;  // A line that reaches the terminal's edge cannot be cleared.

void write_line(const char* text, std::size_t bytes) noexcept {
    static_cast<void>(!write(STDERR_FILENO, text, bytes));
}

}  // namespace

void Summary::count(const Outcome& outcome) noexcept {
    if (outcome.is_stopped) {
        ++stopped;
        return;
    }
    if (outcome.is_success()) {
        ++succeeded;
        return;
    }
    ++failed;
    if (outcome.os_error != 0) {
        ++not_executed;
        (outcome.os_error == ENOENT ? not_found_ : cannot_run_) = true;
    } else if (outcome.is_timed_out) {
        ++timed_out;
    } else if (outcome.code < 0) {
        ++killed;
    } else {
        (outcome.code == 255 ? ended_255_ : ended_bad_) = true;
    }
}

int Summary::status() const noexcept {
    if (has_failed) { return 1; }
    if (not_found_) { return 127; }
    if (cannot_run_) { return 126; }
    if (ended_255_) { return 124; }
    if (killed > 0 || timed_out > 0) { return 125; }
    return ended_bad_ ? 123 : 0;
}

void Summary::print_json(int status) const noexcept {
    std::fprintf(stderr,
                 "{\"succeeded\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"timed_out\": %" PRIu64
                 ", \"killed\": %" PRIu64 ", \"not_executed\": %" PRIu64 ", \"stopped\": %" PRIu64
                 ", \"retried\": %" PRIu64 ", \"skipped\": %" PRIu64
                 ", \"seconds\": %.3f, \"status\": %d}\n",
                 succeeded, failed, timed_out, killed, not_executed, stopped, retried, skipped,
                 static_cast<double>(now_ns() - begun_ns) / 1e9, status);
}

bool describe(const Job& job, Buffer<char>& to) noexcept {
    const Outcome& outcome = job.outcome;
    const bool is_plain = outcome.os_error == 0 && !outcome.is_timed_out && outcome.code >= 0 &&
                          outcome.code != 255;
    if (is_plain || outcome.is_stopped) { return false; }
    char number[48], what[80];
    std::snprintf(number, sizeof number, "brood run: job %" PRIu64 ": ", job.number);
    if (outcome.os_error != 0) {
        std::snprintf(what, sizeof what, "%s", std::strerror(outcome.os_error));
    } else if (outcome.is_timed_out) {
        std::snprintf(what, sizeof what, "timed out after %.3g s",
                      static_cast<double>(job.ended_ns - job.started_ns) / 1e9);
    } else if (outcome.code < 0) {
        std::snprintf(what, sizeof what, "killed by %s", brood::signals::name(-outcome.code));
    } else {
        std::snprintf(what, sizeof what, "ended with 255: no more jobs are started");
    }
    append_text(to, number);
    append_text(to, what);
    append_text(to, ": ");
    job.command.quote(to);
    return true;
}

// ---- Progress --------------------------------------------------------------------------------

void ProgressLine::draw(const Summary& summary, std::size_t running) noexcept {
    const double seconds = static_cast<double>(now_ns() - summary.begun_ns) / 1e9;
    char text[2 * kLineMax + 2];
    const int length = std::snprintf(
        text, kLineMax + 1, "\r%" PRIu64 " done, %" PRIu64 " failed, %zu running  %.0f/s",
        summary.done(), summary.failed, running,
        seconds > 0 ? static_cast<double>(summary.done()) / seconds : 0.0);
    auto bytes = static_cast<std::size_t>(length > 0 ? length : 0);
    if (bytes > kLineMax) { bytes = kLineMax; }
    const std::size_t width = bytes;
    while (bytes < width_) { text[bytes++] = ' '; }  // What a longer line before has left.
    width_ = width;
    write_line(text, bytes);
}

void ProgressLine::show(const Summary& summary, std::size_t running, std::int64_t now) noexcept {
    if (!on_ || now < due_ns_) { return; }
    due_ns_ = now + kDrawNs;
    draw(summary, running);
}

void ProgressLine::end(const Summary& summary) noexcept {
    if (!on_) { return; }
    draw(summary, 0);
    write_line("\n", 1);
    width_ = 0;
}

void ProgressLine::hide() noexcept {
    if (width_ == 0) { return; }
    char text[kLineMax + 2] = "\r";
    std::memset(text + 1, ' ', width_ - 1);
    text[width_] = '\r';
    write_line(text, width_ + 1);
    width_ = 0;
    due_ns_ = 0;
}

}  // namespace tool::run
