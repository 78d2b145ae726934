// A pipe between a process and one that it is just starting.
#ifndef BROOD_SRC_LAUNCH_PIPE_HPP
#define BROOD_SRC_LAUNCH_PIPE_HPP

#include <brood/detail/fork_link.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// A pipe that no other process gets to hold: a fork by another thread of the host closes it in its
/// child, at whatever moment it happens. The thread that opened it forks the child it is meant for,
/// which keeps both ends and closes what it does not use.
class LaunchPipe : ForkLink {
public:
    LaunchPipe() noexcept = default;
    ~LaunchPipe() noexcept;
    LaunchPipe(const LaunchPipe&) = delete;
    LaunchPipe& operator=(const LaunchPipe&) = delete;

    /// Errors: too_many_files.
    Status open() noexcept;
    port::Fd reader() const noexcept { return ends_[0]; }
    port::Fd writer() const noexcept { return ends_[1]; }
    void close_reader() noexcept { close_end(ends_[0]); }
    void close_writer() noexcept { close_end(ends_[1]); }
    /// The end is now somebody else's, who is in the fork list by now.
    void release_reader() noexcept { ends_[0] = port::kNoFd; }
    void release_writer() noexcept { ends_[1] = port::kNoFd; }

private:
    static bool forget_pipe(ForkLink& link) noexcept;
    static void close_end(port::Fd& end) noexcept;

    port::Fd ends_[2] = {port::kNoFd, port::kNoFd};
    const void* thread_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
