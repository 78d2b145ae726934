// RingHandle: a process's hold on a ring of messages in shared memory. Queue<T> is its shell.
#ifndef BROOD_DETAIL_RING_HANDLE_HPP
#define BROOD_DETAIL_RING_HANDLE_HPP

#include <cstddef>
#include <cstdint>

#include <brood/result.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// What becomes of the messages in a queue that is shut down.
enum class Shutdown : std::uint8_t {
    drain,  ///< They can still be got; then getters hear `closed`.
    now,    ///< They are dropped.
};

namespace detail {

struct Ring;
struct MemberTable;

class RingHandle {
public:
    static Result<RingHandle> make(std::size_t message_bytes, std::size_t most) noexcept;
    /// Of messages of varying length.
    static Result<RingHandle> make_bytes(std::size_t most) noexcept;

    RingHandle() noexcept = default;
    RingHandle(RingHandle&& other) noexcept;
    RingHandle& operator=(RingHandle&& other) noexcept;
    ~RingHandle() noexcept;

    /// Puts up to `count` messages that lie one behind the other: how many; at least one.
    Result<std::size_t> put(const void* messages, std::size_t count, Timeout timeout) noexcept;
    Result<std::size_t> get(void* messages, std::size_t count, Timeout timeout) noexcept;
    /// One message.
    Status put_one(const void* message, Timeout timeout) noexcept;
    Status get_one(void* message, Timeout timeout) noexcept;

    /// A ring of bytes.
    Status put_bytes(const void* message, std::size_t bytes, Timeout timeout) noexcept;
    Result<std::size_t> get_bytes(void* buffer, std::size_t room, Timeout timeout) noexcept;

    std::size_t size() const noexcept;
    std::size_t most() const noexcept;
    void close() noexcept { closed_ = true; }
    Status shutdown(Shutdown how) noexcept;

private:
    Ring* ring_ = nullptr;
    MemberTable* table_ = nullptr;
    std::size_t bytes_ = 0;
    bool closed_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
