// The end of a client whose request is being done.
#ifndef BROOD_SRC_MANAGER_WATCH_HPP
#define BROOD_SRC_MANAGER_WATCH_HPP

#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// From now on, in a process that does nothing but serve this client: he asks for one thing at a
/// time, so if his descriptor has something to read while he waits, he has gone, or is no client
/// of ours. Errors: those of port::signal_action().
Status watch_client(port::Fd fd) noexcept;

/// For as long as a request waits for others: looks every 250 ms, by the alarm clock of the
/// process, whether its client is there, and ends the process if not. Whatever it is in the midst
/// of is as after a kill: whole, and what it held comes back. So nothing that waits needs to know
/// of clients.
class ClientWatched {
public:
    ClientWatched() noexcept;
    ~ClientWatched() noexcept;
    ClientWatched(const ClientWatched&) = delete;
    ClientWatched& operator=(const ClientWatched&) = delete;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
