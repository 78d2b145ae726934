// A system call, shown as strace shows it. For port/traced only.
#ifndef BROOD_PORT_TRACED_CALL_HPP
#define BROOD_PORT_TRACED_CALL_HPP

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <type_traits>

#include "line.hpp"

namespace traced {

/// How a call is shown.
struct Shape {
    const char* name;  ///< The kernel's; the libc's for what it does by several calls or by none.
    /// A letter for each argument, in their order:
    ///   i signed   u unsigned   p address   s text   o mode   @ the working directory   . nothing
    ///   O flags of open   P protection   M flags of mmap   A advice   C command of fcntl
    ///   F operation of futex   W words of futex_waitv   T deadline   H how a mask is changed
    ///   S signal   K kind of id   E options of waitid   I what waitid tells   G flags of clone
    ///   V items of poll   c command of prctl   b command of membarrier
    const char* arguments;
    /// Shown before it is made, too: it may block, or never come back.
    bool waits = false;
    bool gives_address = false;
};

inline constexpr int kArgumentsMax = 6;

/// The beginning of a call that is traced, and its end.
class Call {
public:
    Call(const Shape& shape, const long* arguments) noexcept;
    /// `error` is errno where the result says that there is one.
    void end(long result, int error) noexcept;
    void end_without_result() noexcept;

private:
    void show(Line& line, bool has_ended) const noexcept;
    const Shape& shape_;
    const long* arguments_;
    std::int64_t begun_;
};

/// Writes one argument by its letter. `next` is the one that follows it.
void show_argument(Line& line, char letter, long value, long next, bool has_ended) noexcept;

template <class T>
long word_of(T argument) noexcept {
    if constexpr (std::is_pointer_v<T>) {
        return reinterpret_cast<long>(argument);
    } else {
        return static_cast<long>(argument);
    }
}

struct Arguments {
    long words[kArgumentsMax + 1];
};
template <class... T>
Arguments words(T... arguments) noexcept {
    return {{word_of(arguments)...}};
}

/// For calls_made(). A word: old ARM has no atomic of 64 bits without a library.
extern std::atomic<unsigned long> g_calls_made;
inline void count_call() noexcept {
    g_calls_made.fetch_add(1, std::memory_order_relaxed);
}

/// Makes the call, and shows it.
template <class F>
auto observed(const Shape& shape, F call, const Arguments& arguments) noexcept {
    count_call();
    if (!is_on()) { return call(); }
    Call shown(shape, arguments.words);
    const auto result = call();
    const int error = errno;
    shown.end(word_of(result), error);
    errno = error;
    return result;
}

}  // namespace traced

#endif
