// The untyped half of MessageQueue<T>.
#ifndef BROOD_DETAIL_BYTE_MESSAGE_QUEUE_HPP
#define BROOD_DETAIL_BYTE_MESSAGE_QUEUE_HPP

#include <cstddef>
#include <cstdint>

#include <brood/result.hpp>
#include <brood/shared_memory.hpp>
#include <brood/text.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// A queue of messages of one size, as bytes. MessageQueue<T> says what holds for it.
class ByteMessageQueue {
public:
    static Result<ByteMessageQueue> create(std::size_t bytes, std::size_t depth) noexcept;
    static Result<ByteMessageQueue> create_named(const char* name, std::size_t bytes,
                                                 std::size_t depth, Access access) noexcept;
    static Result<ByteMessageQueue> open(const char* name, std::size_t bytes) noexcept;
    static Status remove(const char* name) noexcept;

    ByteMessageQueue() noexcept = default;
    ByteMessageQueue(ByteMessageQueue&& other) noexcept;
    ByteMessageQueue& operator=(ByteMessageQueue&& other) noexcept;
    ~ByteMessageQueue() noexcept { close(); }

    Status put(const void* message, std::uint32_t priority, Timeout timeout) noexcept;
    Status get(void* message, std::uint32_t& priority, Timeout timeout) noexcept;
    Result<std::size_t> count() const noexcept;
    Status notify(int signal) noexcept;
    Status cancel_notify() noexcept;

    std::size_t depth() const noexcept { return depth_; }
    int fileno() const noexcept;
    bool is_open() const noexcept { return queue_ != kNone; }
    const char* name() const noexcept { return name_.c_str(); }
    void keep_name() noexcept { owner_epoch_ = 0; }
    void close() noexcept;

private:
    static constexpr std::intptr_t kNone = -1;

    static Result<ByteMessageQueue> adopt(std::intptr_t queue, const char* name) noexcept;
    Status put_until(const void* message, std::uint32_t priority, Timeout timeout) noexcept;
    Status get_until(void* message, std::uint32_t& priority, Timeout timeout) noexcept;

    std::intptr_t queue_ = kNone;
    std::size_t bytes_ = 0, depth_ = 0;
    unsigned owner_epoch_ = 0;  // the process that removes the name
    Text<256> name_;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
