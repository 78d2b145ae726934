#include <tools/progress.hpp>

#include <time.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>

#include <tools/clock.hpp>

namespace tool {
namespace {

constexpr std::int64_t kSecond = 1000000000;
constexpr std::int64_t kIntervalNs = kSecond / 10;
constexpr std::size_t kLineMax = 79;  // A line that reaches the terminal's edge cannot be cleared.

std::int64_t now_ns() noexcept {
    return clock_ns(CLOCK_MONOTONIC);
}

/// Terminals take the line in one piece. What does not get there is no loss.
void write_terminal(const char* text, std::size_t length) noexcept {
    static_cast<void>(!write(STDERR_FILENO, text, length));
}

struct Unit {
    double bytes;
    const char* name;
};

/// The largest unit in which `bytes` is at least 1.
Unit unit_for(double bytes) noexcept {
    constexpr Unit kUnits[] = {{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}};
    for (const Unit& unit : kUnits) {
        if (bytes >= unit.bytes) { return unit; }
    }
    return {1, "B"};
}

/// A line of text in a buffer of fixed size; what does not fit is left out.
class Line {
public:
    Line(char* text, std::size_t room) noexcept : text_(text), room_(room) { *text = '\0'; }
    [[gnu::format(printf, 2, 3)]] void add(const char* format, ...) noexcept {
        va_list arguments;
        va_start(arguments, format);
        const int length = std::vsnprintf(text_ + length_, room_ - length_, format, arguments);
        va_end(arguments);
        if (length > 0) { length_ += static_cast<std::size_t>(length); }
        if (length_ >= room_) { length_ = room_ - 1; }
    }
    std::size_t length() const noexcept { return length_; }

private:
    char* text_;
    std::size_t room_, length_ = 0;
};

/// What a file costs beside its bytes, counted in bytes: opening it takes as long as this.
constexpr double kBytesPerFile = 8192;

double cost(const WorkTotals& work) noexcept {
    return static_cast<double>(work.bytes) + kBytesPerFile * static_cast<double>(work.files);
}

void add_time_left(Line& line, const WorkTotals& done, const WorkTotals& totals,
                   double elapsed) noexcept {
    const double did = cost(done), all = cost(totals);
    if (did <= 0 || elapsed < 0.5) { return; }  // Too early to tell.
    const double left = did < all ? elapsed * (all - did) / did : 0;
    long long seconds = left < 1e9 ? static_cast<long long>(left) : 999999999;
    if (static_cast<double>(seconds) < left) { ++seconds; }  // 0:00 only when all is done.
    const long long hours = seconds / 3600, minutes = seconds / 60 % 60;
    if (hours > 0) {
        line.add("  %lld:%02lld:%02lld left", hours, minutes, seconds % 60);
    } else {
        line.add("  %lld:%02lld left", minutes, seconds % 60);
    }
}

}  // namespace

std::size_t format_progress(char* text, std::size_t room, const WorkTotals& done,
                            const WorkTotals* totals, std::int64_t elapsed_ns) noexcept {
    Line line(text, room);
    const auto bytes = static_cast<double>(done.bytes);
    const double elapsed = static_cast<double>(elapsed_ns) / static_cast<double>(kSecond);
    const double rate = elapsed > 0 ? bytes / elapsed : 0;

    if (totals != nullptr) {
        const auto all = static_cast<double>(totals->bytes);
        const Unit unit = unit_for(all);
        line.add("%llu/%llu files  %.1f/%.1f %s", static_cast<unsigned long long>(done.files),
                 static_cast<unsigned long long>(totals->files), bytes / unit.bytes,
                 all / unit.bytes, unit.name);
    } else {
        const Unit unit = unit_for(bytes);
        line.add("%llu files  %.1f %s", static_cast<unsigned long long>(done.files),
                 bytes / unit.bytes, unit.name);
    }
    const Unit unit = unit_for(rate);
    line.add("  %.0f %s/s", rate / unit.bytes, unit.name);
    if (totals != nullptr) { add_time_left(line, done, *totals, elapsed); }
    return line.length();
}

void Progress::start(Count count, const void* context) noexcept {
    if (isatty(STDERR_FILENO) == 0) { return; }
    on_ = true;
    started_ns_ = shown_ns_ = now_ns();

    brood::Result<brood::SharedMemory> memory = brood::SharedMemory::anonymous(sizeof(Shared));
    if (!memory.ok()) { return; }
    memory_ = std::move(*memory);
    Shared* const shared = static_cast<Shared*>(memory_.data());
    counter_ = brood::Process(brood::ProcessOptions().daemon(), [shared, count, context] {
        shared->totals = count(context);
        __atomic_store_n(&shared->complete, 1u, __ATOMIC_RELEASE);
    });
    counter_.start().ignore();
}

const WorkTotals* Progress::totals() noexcept {
    const Shared* const shared = static_cast<const Shared*>(memory_.data());
    if (shared == nullptr) { return nullptr; }
    return __atomic_load_n(&shared->complete, __ATOMIC_ACQUIRE) != 0 ? &shared->totals : nullptr;
}

void Progress::show(std::uint32_t files, std::uint32_t kib) noexcept {
    if (!on_) { return; }
    const std::int64_t now = now_ns();
    if (now - shown_ns_ < kIntervalNs) { return; }
    shown_ns_ = now;
    files_ += files - static_cast<std::uint32_t>(files_);  // The counts go round, ours do not.
    kib_ += kib - static_cast<std::uint32_t>(kib_);

    char line[2 * kLineMax + 2] = "\r";
    const std::size_t width =
        format_progress(line + 1, kLineMax + 1, {files_, kib_ * 1024}, totals(), now - started_ns_);
    // Spaces wipe out what a longer line before left; every terminal understands them.
    const std::size_t rest = width_ > width ? width_ - width : 0;
    std::memset(line + 1 + width, ' ', rest);
    width_ = width;
    write_terminal(line, 1 + width + rest);
}

void Progress::hide() noexcept {
    if (width_ == 0) { return; }
    char line[kLineMax + 2] = "\r";
    std::memset(line + 1, ' ', width_);
    line[1 + width_] = '\r';
    write_terminal(line, width_ + 2);
    width_ = 0;
}

void Progress::stop() noexcept {
    hide();
    on_ = false;
    counter_ = brood::Process();  // Ends it, if it still counts.
}

}  // namespace tool
