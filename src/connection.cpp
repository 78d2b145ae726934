// Connection: the calls. Its ends are in src/connection_ends.cpp, the frames in
// src/channel_send.cpp and src/channel_receive.cpp, records in src/connection_records.cpp.
#include <brood/connection.hpp>

#include "channel.hpp"
#include "deadline.hpp"
#include "socket_stream.hpp"

namespace brood {
inline namespace v0 {

Status Connection::send_bytes(const void* data, std::size_t bytes, Timeout timeout) noexcept {
    if (write_ == port::kNoFd) {
        return read_ == port::kNoFd ? Errc::closed : Errc::wrong_direction;
    }
    if (data == nullptr && bytes > 0) { return Errc::bad_argument; }
    if (bytes > detail::kFrameBytesMax) { return Errc::size_too_large; }
    if (stream_ != nullptr) {
        return stream_->send({*reading_, *writing_, write_}, data, bytes, timeout);
    }
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    return detail::send_frame({*writing_, write_}, data, bytes, deadline_ns);
}

Status Connection::send_bytes(const void* buffer, std::size_t bytes, std::size_t offset,
                              std::size_t size, Timeout timeout) noexcept {
    if (offset > bytes || size > bytes - offset) { return Errc::out_of_range; }
    if (buffer == nullptr && bytes > 0) { return Errc::bad_argument; }
    const unsigned char* const from = static_cast<const unsigned char*>(buffer);
    return send_bytes(size > 0 ? from + offset : from, size, timeout);
}

Result<std::size_t> Connection::recv_bytes(void* buffer, std::size_t bytes,
                                           Timeout timeout) noexcept {
    if (read_ == port::kNoFd) {
        return write_ == port::kNoFd ? Errc::closed : Errc::wrong_direction;
    }
    if (buffer == nullptr && bytes > 0) { return Errc::bad_argument; }
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    const Errc refusal = refusal_.load(std::memory_order_relaxed);
    if (refusal != Errc::ok) { return refusal; }
    const detail::Room room = {buffer, bytes, longest_};
    const Result<std::size_t> got =
        stream_ == nullptr ? detail::receive_frame({*reading_, read_}, room, deadline_ns)
                           : stream_->receive({*reading_, *writing_, read_}, room, timeout);
    const bool refuse = got.code() == Errc::message_too_long || got.code() == Errc::bad_frame;
    if (refuse) { refusal_.store(got.code(), std::memory_order_relaxed); }
    return got;
}

Result<std::size_t> Connection::recv_bytes_into(void* buffer, std::size_t bytes, std::size_t offset,
                                                Timeout timeout) noexcept {
    if (offset > bytes) { return Errc::out_of_range; }
    if (buffer == nullptr && bytes > 0) { return Errc::bad_argument; }
    unsigned char* const to = static_cast<unsigned char*>(buffer);
    return recv_bytes(bytes > offset ? to + offset : to, bytes - offset, timeout);
}

Result<bool> Connection::poll(Timeout timeout) noexcept {
    if (read_ == port::kNoFd) {
        return write_ == port::kNoFd ? Errc::closed : Errc::wrong_direction;
    }
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    const Errc refusal = refusal_.load(std::memory_order_relaxed);
    if (refusal != Errc::ok) { return refusal; }
    const bool over = reading_ != nullptr && detail::has_torn_frame(*reading_);
    if (reading_ != nullptr) {
        const Errc broken = detail::why_broken(*reading_);
        if (broken != Errc::ok) { return broken; }
        const auto at = reading_->reading.load(std::memory_order_acquire);
        if (at == detail::Reading::at_message) { return true; }
    }
    port::PollItem item;
    item.fd = read_;
    item.want_read = true;
    const Result<std::size_t> ready = port::poll(&item, 1, over ? 0 : deadline_ns);
    if (!ready.ok()) { return ready.error(); }
    if (*ready == 0 && over) { return Errc::peer_died; }
    return *ready > 0;
}

}  // namespace v0
}  // namespace brood
