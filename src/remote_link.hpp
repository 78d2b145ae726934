// RemoteLink: a process's connection to a ManagerServer. All that its proxies ask goes through it.
#ifndef BROOD_SRC_REMOTE_LINK_HPP
#define BROOD_SRC_REMOTE_LINK_HPP

#include <brood/connection.hpp>
#include <brood/detail/fork_link.hpp>
#include <brood/detail/remote.hpp>

#include "bell_mutex.hpp"
#include "manager_wire.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// In memory of this process alone, behind it the two buffers.
struct RemoteLink {
    struct Fork : ForkLink {
        RemoteLink* link = nullptr;
    };

    Connection connection;
    BellMutex mutex;  // one question at a time
    Fork fork;        // a child must not keep the server from seeing this process end
    unsigned epoch = fork_epoch();
    std::uint32_t manager = 0;
    std::size_t bytes = 0;  // of the mapping
    std::size_t message_bytes_max = 0;
    unsigned char* out = nullptr;
    unsigned char* in = nullptr;
    std::atomic<Errc> broken{Errc::ok};  // why nothing can be asked any more
    std::atomic<std::int64_t> patience_ns{0};

    /// With the mutex. `entry` and `generation` name the object.
    Status talk(const RemoteAsk& question, std::uint32_t entry, std::uint32_t generation,
                std::int64_t deadline_ns, RemoteTold& told) noexcept;

    /// Errors: no_memory.
    static Result<RemoteLink*> make(Connection&& connection,
                                    std::size_t message_bytes_max) noexcept;
    /// Ends it; in a child of its process, only the child's part.
    static void end(RemoteLink* link) noexcept;

private:
    Status send(const RemoteAsk& question, std::uint32_t entry, std::uint32_t generation,
                std::int64_t deadline_ns) noexcept;
    Status receive(std::int64_t deadline_ns, WireReply& reply) noexcept;
    Status fail(Errc why) noexcept;
    Timeout patience(std::int64_t deadline_ns) const noexcept;
};

/// Several questions with nobody's between them.
class RemoteTalk {
public:
    RemoteTalk(const RemoteObject& object, Timeout timeout) noexcept;
    ~RemoteTalk() noexcept;
    RemoteTalk(const RemoteTalk&) = delete;
    RemoteTalk& operator=(const RemoteTalk&) = delete;

    Status ask(const RemoteAsk& question, RemoteTold& told) noexcept;

private:
    const RemoteObject& object_;
    std::int64_t deadline_ns_;
    Status status_;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
