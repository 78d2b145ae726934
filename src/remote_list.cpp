#include <brood/remote_list.hpp>

#include "deadline.hpp"
#include "remote_link.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t kElementHead = 4;

/// Elements as they come: each with its length before it.
class Pieces {
public:
    Pieces(const unsigned char* at, std::size_t bytes) noexcept : at_(at), left_(bytes) {}
    bool is_done() const noexcept { return left_ == 0; }
    /// False: it is no element.
    bool next(ListBytes& element) noexcept {
        if (left_ < kElementHead) { return false; }
        element.bytes = WireCursor<const unsigned char>(at_).get32();
        element.data = at_ + kElementHead;
        if (element.bytes > left_ - kElementHead) { return false; }
        at_ += kElementHead + element.bytes;
        left_ -= kElementHead + element.bytes;
        return true;
    }

private:
    const unsigned char* at_;
    std::size_t left_;
};

/// Memory for a message, of this process.
class Buffer {
public:
    explicit Buffer(std::size_t bytes) noexcept
        : bytes_(bytes), memory_(port::map_private(bytes)) {}
    ~Buffer() noexcept {
        if (memory_.ok()) { port::unmap(*memory_, bytes_); }
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Status status() const noexcept { return memory_.status(); }
    unsigned char* begin() const noexcept { return static_cast<unsigned char*>(*memory_); }
    std::size_t bytes() const noexcept { return bytes_; }

private:
    std::size_t bytes_;
    Result<void*> memory_;
};

}  // namespace

Status RemoteListCore::set(const ObjectType& type, std::ptrdiff_t index, const ListBytes& value,
                           Timeout timeout) const noexcept {
    return ask({WireOp::list_set, type, timeout, index, 0, {}, {value.data, value.bytes}, {}});
}

Result<std::size_t> RemoteListCore::get(const ObjectType& type, std::ptrdiff_t index, void* value,
                                        std::size_t room, Timeout timeout) const noexcept {
    const auto most = static_cast<std::int64_t>(room);
    return ask_into({WireOp::list_get, type, timeout, index, most, {}, {}, {}}, value, room);
}

Result<std::size_t> RemoteListCore::take(const ObjectType& type, std::ptrdiff_t index, void* value,
                                         std::size_t room, Timeout timeout) const noexcept {
    const auto most = static_cast<std::int64_t>(room);
    return ask_into({WireOp::list_pop, type, timeout, index, most, {}, {}, {}}, value, room);
}

Status RemoteListCore::erase(const ObjectType& type, std::ptrdiff_t from, std::ptrdiff_t to,
                             Timeout timeout) const noexcept {
    return ask({WireOp::list_erase, type, timeout, from, to, {}, {}, {}});
}

Status RemoteListCore::reverse(const ObjectType& type, Timeout timeout) const noexcept {
    return ask({WireOp::list_reverse, type, timeout, 0, 0, {}, {}, {}});
}

Status RemoteListCore::sort(const ObjectType& type, Timeout timeout) const noexcept {
    return ask({WireOp::list_sort, type, timeout, 0, 0, {}, {}, {}});
}

Result<std::size_t> RemoteListCore::count(const ObjectType& type, Timeout timeout) const noexcept {
    RemoteTold told;
    const Status done = ask({WireOp::list_size, type, timeout, 0, 0, {}, {}, {}}, told);
    if (!done.ok()) { return done.error(); }
    return static_cast<std::size_t>(told.a);
}

Result<std::size_t> RemoteListCore::search(const ObjectType& type, ListSearch what,
                                           const ListBytes& value, Timeout timeout) const noexcept {
    const auto which = static_cast<std::int64_t>(what);
    RemoteTold told;
    const Status done = ask(
        {WireOp::list_search, type, timeout, which, 0, {}, {value.data, value.bytes}, {}}, told);
    if (!done.ok()) { return done.error(); }
    return static_cast<std::size_t>(told.a);
}

Status RemoteListCore::insert(const ObjectType& type, std::ptrdiff_t index,
                              const ListSource& source, Timeout timeout) const noexcept {
    if (source.count == 1) {
        const ListBytes only = source.at(source.elements, 0);
        unsigned char head[kElementHead];
        WireCursor<unsigned char>(head).put(only.bytes, kElementHead);
        return ask({WireOp::list_insert,
                    type,
                    timeout,
                    index,
                    0,
                    {},
                    {head, sizeof head},
                    {only.data, only.bytes}});
    }
    if (link == nullptr || source.count == 0) {
        return ask({WireOp::list_insert, type, timeout, index, 0, {}, {}, {}});
    }
    const Buffer buffer(link->message_bytes_max);
    if (!buffer.status().ok()) { return buffer.status(); }
    std::size_t used = 0;
    for (std::size_t i = 0; i < source.count; ++i) {
        const ListBytes element = source.at(source.elements, i);
        if (element.bytes + kElementHead > buffer.bytes() - used) {
            return Error(Errc::message_too_long, 0, static_cast<std::int64_t>(buffer.bytes()));
        }
        WireCursor<unsigned char>(buffer.begin() + used).put(element.bytes, kElementHead);
        __builtin_memcpy(buffer.begin() + used + kElementHead, element.data, element.bytes);
        used += kElementHead + element.bytes;
    }
    return ask({WireOp::list_insert, type, timeout, index, 0, {}, {buffer.begin(), used}, {}});
}

Status RemoteListCore::change(const ObjectType& type, std::ptrdiff_t index, DictDecide decide,
                              void* context, void* former, std::size_t room,
                              Timeout timeout) const noexcept {
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    for (;;) {
        const Result<std::size_t> found =
            get(type, index, former, room, timeout_until(deadline_ns));
        if (!found.ok()) { return found.status(); }
        const DictChange change = decide(context, former, *found);
        if (change.what != DictChange::What::put) { return Errc::ok; }
        RemoteTold told;
        const Status done = ask({WireOp::list_swap,
                                 type,
                                 timeout_until(deadline_ns),
                                 index,
                                 static_cast<std::int64_t>(*found),
                                 {},
                                 {former, *found},
                                 {change.value, change.bytes}},
                                told);
        if (!done.ok() || told.a != 0) { return done; }
        if (has_passed(deadline_ns)) { return Errc::timed_out; }
    }
}

Result<ListCopy> RemoteListCore::copy(const ObjectType& type, const ListSlice& slice,
                                      Timeout timeout) const noexcept {
    RemoteTalk talk(*this, timeout);
    const Buffer buffer(link == nullptr ? 1 : link->message_bytes_max);
    if (!buffer.status().ok()) { return buffer.status().error(); }
    unsigned char key[3 * sizeof(std::int64_t)];
    WireCursor<unsigned char> numbers(key);
    for (const std::ptrdiff_t number : {slice.from, slice.to, slice.step}) {
        numbers.put(static_cast<std::uint64_t>(std::int64_t{number}), sizeof(std::int64_t));
    }
    ListCopy copy;
    std::size_t index = 0, end = 0;
    do {
        RemoteTold told;
        told.value = buffer.begin();
        told.value_bytes = buffer.bytes();
        const std::size_t key_bytes = index == 0 ? sizeof key : 0;
        const Status done = talk.ask({WireOp::list_items,
                                      type,
                                      timeout,
                                      static_cast<std::int64_t>(index),
                                      0,
                                      {key, key_bytes},
                                      {},
                                      {}},
                                     told);
        if (!done.ok()) { return done.error(); }
        if (index == 0) {
            if (told.a == 0) { return copy; }
            const bool is_sane = told.a > 0 && told.b >= 0 && told.a <= PTRDIFF_MAX / 64 &&
                                 told.b <= PTRDIFF_MAX / 2;
            if (!is_sane) { return Errc::bad_frame; }
            copy.count_ = static_cast<std::size_t>(told.a);
            end = copy.count_ * sizeof end;
            copy.bytes_ = end + static_cast<std::size_t>(told.b);
            const Result<void*> memory = port::map_private(copy.bytes_);
            if (!memory.ok()) { return memory.error(); }
            copy.memory_ = static_cast<unsigned char*>(*memory);
        }
        const std::size_t before = index;
        for (Pieces pieces(buffer.begin(), told.value_bytes); !pieces.is_done(); ++index) {
            ListBytes element;
            const bool is_one = index < copy.count_ && pieces.next(element) &&
                                element.bytes <= copy.bytes_ - end;
            if (!is_one) { return Errc::bad_frame; }
            __builtin_memcpy(copy.memory_ + end, element.data, element.bytes);
            end += element.bytes;
            __builtin_memcpy(copy.memory_ + index * sizeof end, &end, sizeof end);
        }
        if (index == before) { return Errc::bad_frame; }
    } while (index < copy.count_);
    return copy;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
