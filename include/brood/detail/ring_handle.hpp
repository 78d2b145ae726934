// RingHandle: a process's hold on a ring of messages in shared memory. Queue<T> is its shell.
#ifndef BROOD_DETAIL_RING_HANDLE_HPP
#define BROOD_DETAIL_RING_HANDLE_HPP

#include <cstddef>
#include <cstdint>

#include <brood/result.hpp>
#include <brood/shared_memory.hpp>
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
struct RingShape;
struct NamedRing;
struct Members;
struct MemberTable;
struct JoinBook;
struct Roster;

/// What a queue may have beside its ring; null: it has not. Each in memory of its own, unless the
/// ring's is another's, too.
struct RingExtras {
    JoinBook* book = nullptr;          // who holds what was got: JoinableQueue
    Roster* roster = nullptr;          // the producers that are known: Queue::producers()
    NamedRing* named = nullptr;        // what a process knows of a queue with a name
    const Members* members = nullptr;  // of its table, unless that is the family's
    std::uint32_t reported = 0;        // of what was abandoned: what this handle has reported
};

class RingHandle {
public:
    static Result<RingHandle> make(std::size_t message_bytes, std::size_t most) noexcept;
    /// One that has a name, in a segment: src/named_ring.hpp.
    static Result<RingHandle> create_named(const char* name, std::size_t message_bytes,
                                           std::size_t most, Access access) noexcept;
    static Result<RingHandle> open(const char* name, std::size_t message_bytes,
                                   Timeout timeout) noexcept;
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
    std::size_t lost() const noexcept;
    Status producers(std::size_t count) noexcept;
    Status enroll() noexcept;
    void close() noexcept;
    const char* name() const noexcept;
    void keep_name() noexcept;
    Status shutdown(Shutdown how) noexcept;

    /// Gives it what JoinableQueue needs.
    Status make_joinable() noexcept;
    Status task_done() noexcept;
    Status join(Timeout timeout) noexcept;

private:
    friend struct RingAccess;  // in memory of others: src/ring_access.hpp
    std::uint32_t put_at_once(const void* messages, std::size_t count, Timeout timeout) noexcept;
    std::uint32_t get_at_once(void* messages, std::size_t count, Timeout timeout) noexcept;
    Result<std::size_t> put_slowly(const void* messages, std::size_t count,
                                   Timeout timeout) noexcept;
    Result<std::size_t> get_slowly(void* messages, std::size_t count, Timeout timeout) noexcept;
    Status take_part() noexcept;
    void leave() noexcept;
    void release() noexcept;
    Members members() const noexcept;
    void adopt(NamedRing& named) noexcept;
    Ring* ring_ = nullptr;
    const RingShape* shape_ = nullptr;
    MemberTable* table_ = nullptr;
    RingExtras extras_;
    std::size_t bytes_ = 0;  // of memory that is the handle's own
    bool closed_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
