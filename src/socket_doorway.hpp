// The doorway of a listener with a key: clients that have come, and not yet proved that they have
// it. Their handshakes go on side by side.
#ifndef BROOD_SRC_SOCKET_DOORWAY_HPP
#define BROOD_SRC_SOCKET_DOORWAY_HPP

#include <brood/listener.hpp>
#include <port/port.hpp>

#include "auth_exchange.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

struct Guest {
    bool is_here;
    bool has_news;  // There is something to go on with.
    port::Fd fd;
    std::int64_t deadline_ns;  // of all with the same patience: the earliest came first
    Address from;
    Handshake handshake;
};

/// In pages of its process alone, kept out of core dumps. A forked child closes its copies of the
/// guests' descriptors: they are its parent's.
struct Doorway {
    unsigned char key[Secret::kBytes];
    std::size_t key_bytes;
    bool allow_legacy;
    std::int64_t handshake_ns;
    std::uint64_t refused;
    std::uint32_t most, count;  // of guests
    Guest guests[1];            // `most`

    AuthRules rules() const noexcept { return {key, key_bytes, allow_legacy}; }
    static std::size_t bytes_for(std::uint32_t most) noexcept {
        return sizeof(Doorway) + (most - 1) * sizeof(Guest);
    }
};

/// Errors: no_memory.
Result<Doorway*> make_doorway(const Secret& key, bool allow_legacy, std::int64_t handshake_ns,
                              std::uint32_t most) noexcept;
/// Wipes it. Closes no descriptors.
void free_doorway(Doorway* doorway) noexcept;

/// Lets in the next who has connected, if there is one; where there is no room left the oldest
/// guest goes. Returns: ok; would_block; the errors of port::socket_accept(); unsupported (no
/// chance).
Status let_in(Doorway& doorway, port::Fd listener) noexcept;
/// Goes on with every handshake of which there is news as far as that needs no wait, turns away
/// those who fail or whose time is over: one who has proved to have the key; null: none yet.
Guest* go_round(Doorway& doorway) noexcept;
/// Sleeps until there is news of a guest, or the time of one is over, or somebody connects, or
/// until the deadline. Returns: whether somebody has connected.
Result<bool> wait_at(Doorway& doorway, port::Fd listener, std::int64_t deadline_ns) noexcept;
/// The guest leaves, and is the end `to` from then on, which was none. On failure it stays.
/// Errors: no_memory, no_space.
Status lead_in(Doorway& doorway, Guest& guest, Connection& to) noexcept;
/// Closes all descriptors of guests. For those who hold the fork list, or a fresh child.
void empty_doorway(Doorway& doorway) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
