// The guardian above a daemon, where the system cannot end a process together with a pipe.
#ifndef BROOD_SRC_GUARDIAN_HPP
#define BROOD_SRC_GUARDIAN_HPP

#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// Turns the caller into the guardian of its child `ward`: kills it when the last write end of
/// `lifeline` is closed. When it has ended, its exit code is written to `words` as an int32, and
/// the guardian ends. `ward_end` is the read end of a pipe whose write end the ward keeps; it tells
/// early of the ward's end.
/// Killed here: the ward lives on without protection; its starter hears no last words and ends it.
[[noreturn]] void guard(port::Pid ward, port::Fd lifeline, port::Fd ward_end,
                        port::Fd words) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
