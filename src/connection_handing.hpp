// Ends of channels that are handed to a child process.
#ifndef BROOD_SRC_CONNECTION_HANDING_HPP
#define BROOD_SRC_CONNECTION_HANDING_HPP

namespace brood {
inline namespace v0 {
namespace detail {

/// For a fresh child of Process::start(): the ends whose objects lie within [first, last) were
/// handed to it. Closes, in this process, the other ends of the same channels, so that the child
/// sees the end of a stream when its parent closes or dies. Ends of other channels stay.
/// Callers: a process of a single thread. Async-signal-safe.
void keep_handed_ends(const void* first, const void* last) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
