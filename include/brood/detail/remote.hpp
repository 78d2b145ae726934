// What the proxies of a RemoteManager's objects have in common.
#ifndef BROOD_DETAIL_REMOTE_HPP
#define BROOD_DETAIL_REMOTE_HPP

#include <cstddef>
#include <cstdint>

#include <brood/detail/managed.hpp>
#include <brood/detail/wire_op.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

struct RemoteLink;

struct RemoteBytes {
    const void* data = nullptr;
    std::size_t bytes = 0;
};

/// What is asked of the server: src/manager_wire.hpp.
struct RemoteAsk {
    WireOp op;
    ObjectType type;
    Timeout timeout = Timeout::forever();
    std::int64_t a = 0, b = 0;
    RemoteBytes key, value, more;  // the value is both together
};

/// What it says. `key` and `value`: where to put them, and how much there is room for; then how
/// many bytes they have.
struct RemoteTold {
    std::int64_t a = 0, b = 0;
    void* key = nullptr;
    std::size_t key_bytes = 0;
    void* value = nullptr;
    std::size_t value_bytes = 0;
};

/// An object of a remote manager. Trivially copyable, but of use in this process alone: what
/// travels is its handle().
struct RemoteObject {
    RemoteLink* link = nullptr;
    std::uint32_t entry = 0, generation = 0;

    /// As that of the object's own handle.
    Status drop(Timeout timeout = Timeout::forever()) const noexcept;
    Status keep(Timeout timeout = Timeout::forever()) const noexcept;

protected:
    /// Errors: those of the server; and see RemoteManager.
    Status ask(const RemoteAsk& question, RemoteTold& told) const noexcept;
    Status ask(const RemoteAsk& question) const noexcept {
        RemoteTold told;
        return ask(question, told);
    }
    /// The value that it says, into a buffer: how many bytes.
    Result<std::size_t> ask_into(const RemoteAsk& question, void* value,
                                 std::size_t room) const noexcept {
        RemoteTold told;
        told.value = value;
        told.value_bytes = room;
        const Status done = ask(question, told);
        if (!done.ok()) { return done.error(); }
        return told.value_bytes;
    }
    /// How many of `count` values of `size` bytes go into a question; at least one of any.
    std::size_t fitting(std::size_t count, std::size_t size) const noexcept;
    Status drop_as(const ObjectType& type, Timeout timeout) const noexcept;
    ManagedHandle managed() const noexcept;
};

/// A T out of what is told about it. Errors: those of ask().
template <class T, class Ask>
Result<T> told_element(Ask&& ask) noexcept {
    return element_filled_by<T>([&](void* buffer, std::size_t room) -> Result<std::size_t> {
        RemoteTold told;
        told.value = buffer;
        told.value_bytes = room;
        const Status done = ask(told);
        if (!done.ok()) { return done.error(); }
        return told.value_bytes;
    });
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
