// One line of the trace: put together on the stack, written by one write(2). For port/traced only.
//
// No heap and no locks, so that it works in a signal handler, between fork and exec, and in a
// process that is about to be killed: what was written stays written.
#ifndef BROOD_PORT_TRACED_LINE_HPP
#define BROOD_PORT_TRACED_LINE_HPP

#include <cstddef>
#include <cstdint>

namespace traced {

/// Whether BROOD_TRACE asked for a trace: a load and a branch.
extern bool g_is_on;
inline bool is_on() noexcept {
    return __builtin_expect(g_is_on, false);
}

/// Where the trace is written; -1 if it is off.
extern int g_fd;

/// Nanoseconds of the monotonic clock: the same for all processes, related or not.
std::int64_t now() noexcept;

class Line {
public:
    /// Begins with the time, the process, and the public call in which the caller is.
    explicit Line(std::int64_t time) noexcept;

    Line& text(const char* what) noexcept;
    Line& text(const char* text, std::size_t bytes) noexcept;
    /// In quotes, as C has it; a long one is cut.
    Line& quoted(const char* what) noexcept;
    Line& number(std::int64_t value) noexcept;
    Line& hex(std::uint64_t value) noexcept;
    Line& octal(std::uint64_t value) noexcept;
    /// Seconds, with `digits` of the fraction.
    Line& seconds(std::int64_t ns, int digits) noexcept;
    /// In the unit that fits: "4 us".
    Line& span(std::int64_t ns) noexcept;

    void write() noexcept;

private:
    char bytes_[512];
    std::size_t count_ = 0;
};

}  // namespace traced

#endif
