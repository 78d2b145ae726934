// Progress: one line on the terminal that says how far the work is.
#ifndef BROOD_TOOLS_PROGRESS_HPP
#define BROOD_TOOLS_PROGRESS_HPP

#include <cstddef>
#include <cstdint>

#include <brood/process.hpp>
#include <brood/shared_memory.hpp>

namespace tool {

/// How much there is to do.
struct WorkTotals {
    std::uint64_t files, bytes;
};

/// "1234/5678 files  1.2/3.4 GB  890 MB/s  0:12 left", on standard error, if that is a terminal.
///
/// The totals are counted by a process of their own while the work goes on already; until they
/// are known, the line does without them and without the time left.
class Progress {
public:
    /// Counts what there is to do. Runs in a process of its own.
    using Count = WorkTotals (*)(const void* context);

    /// Does nothing, as all other calls then, unless standard error is a terminal. Failure to
    /// count costs the display its totals and nothing else.
    void start(Count count, const void* context) noexcept;
    bool is_on() const noexcept { return on_; }

    /// Draws the line anew if the last one is old enough; may be called at any rate.
    /// `files`, `kib`: done since the start, counting round at 2^32.
    void show(std::uint32_t files, std::uint32_t kib) noexcept;
    /// Clears the line: something else will be written to the terminal.
    void hide() noexcept;
    /// Ends the counting and clears the line.
    void stop() noexcept;

private:
    struct Shared {
        WorkTotals totals;
        std::uint32_t complete;  // stored last
    };
    const WorkTotals* totals() noexcept;

    bool on_ = false;
    std::uint64_t files_ = 0, kib_ = 0;  // done, as of the last look
    std::int64_t started_ns_ = 0, shown_ns_ = 0;
    std::size_t width_ = 0;  // of the line that stands there
    brood::SharedMemory memory_;
    brood::Process counter_;
};

/// Writes the line to `text`, without any control characters, and returns its length. `totals` may
/// be null.
std::size_t format_progress(char* text, std::size_t room, const WorkTotals& done,
                            const WorkTotals* totals, std::int64_t elapsed_ns) noexcept;

}  // namespace tool

#endif
