// The signals that end a command early: Ctrl-C and the like.
#ifndef BROOD_TOOLS_STOP_HPP
#define BROOD_TOOLS_STOP_HPP

namespace tool {

/// From now on SIGINT, SIGTERM, SIGHUP and SIGPIPE no longer end the program at once: they cut
/// short a system call and are told by stop_signal(). Those that are ignored stay ignored.
void catch_stop_signals() noexcept;

/// The first of them that came; 0 if none did.
int stop_signal() noexcept;

/// Ends the program by the signal that came, so that whoever waits for it sees that.
[[noreturn]] void end_by_stop_signal() noexcept;

}  // namespace tool

#endif
