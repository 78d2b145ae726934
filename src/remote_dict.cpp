#include <brood/remote_dict.hpp>

#include "deadline.hpp"
#include "remote_link.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

std::int64_t signed_of(std::size_t bytes) noexcept {
    return static_cast<std::int64_t>(bytes);
}

}  // namespace

Status RemoteDictCore::set(const ObjectType& type, const void* key, std::size_t key_bytes,
                           const void* value, std::size_t bytes, Timeout timeout) const noexcept {
    return ask({WireOp::dict_set, type, timeout, 0, 0, {key, key_bytes}, {value, bytes}, {}});
}

Result<std::size_t> RemoteDictCore::get(const ObjectType& type, const void* key,
                                        std::size_t key_bytes, void* value, std::size_t room,
                                        Timeout timeout) const noexcept {
    return ask_into({WireOp::dict_get, type, timeout, 0, signed_of(room), {key, key_bytes}, {}, {}},
                    value, room);
}

Result<std::size_t> RemoteDictCore::take(const ObjectType& type, const void* key,
                                         std::size_t key_bytes, void* value, std::size_t room,
                                         Timeout timeout) const noexcept {
    return ask_into({WireOp::dict_pop, type, timeout, 0, signed_of(room), {key, key_bytes}, {}, {}},
                    value, room);
}

Result<bool> RemoteDictCore::has(const ObjectType& type, const void* key, std::size_t key_bytes,
                                 Timeout timeout) const noexcept {
    RemoteTold told;
    const Status done =
        ask({WireOp::dict_contains, type, timeout, 0, 0, {key, key_bytes}, {}, {}}, told);
    if (!done.ok()) { return done.error(); }
    return told.a != 0;
}

Status RemoteDictCore::erase_key(const ObjectType& type, const void* key, std::size_t key_bytes,
                                 Timeout timeout) const noexcept {
    return ask({WireOp::dict_erase, type, timeout, 0, 0, {key, key_bytes}, {}, {}});
}

Status RemoteDictCore::pop_newest(const ObjectType& type, void* key, std::size_t& key_bytes,
                                  void* value, std::size_t& bytes, Timeout timeout) const noexcept {
    RemoteTold told;
    told.key = key;
    told.key_bytes = key_bytes;
    told.value = value;
    told.value_bytes = bytes;
    const Status done = ask(
        {WireOp::dict_popitem, type, timeout, signed_of(key_bytes), signed_of(bytes), {}, {}, {}},
        told);
    if (!done.ok()) { return done; }
    key_bytes = told.key_bytes;
    bytes = told.value_bytes;
    return done;
}

Result<std::size_t> RemoteDictCore::count(const ObjectType& type, Timeout timeout) const noexcept {
    RemoteTold told;
    const Status done = ask({WireOp::dict_size, type, timeout, 0, 0, {}, {}, {}}, told);
    if (!done.ok()) { return done.error(); }
    return static_cast<std::size_t>(told.a);
}

Status RemoteDictCore::clear(const ObjectType& type, Timeout timeout) const noexcept {
    return ask({WireOp::dict_clear, type, timeout, 0, 0, {}, {}, {}});
}

Status RemoteDictCore::change(const ObjectType& type, const RemoteBytes& key, DictDecide decide,
                              void* context, void* former, std::size_t room,
                              Timeout timeout) const noexcept {
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    for (;;) {
        const Result<std::size_t> found =
            get(type, key.data, key.bytes, former, room, timeout_until(deadline_ns));
        if (!found.ok() && found.code() != Errc::not_found) { return found.status(); }
        const DictChange change = found.ok() ? decide(context, former, *found)
                                             : decide(context, nullptr, 0);
        const bool is_put = change.what == DictChange::What::put;
        if (change.what == DictChange::What::leave || (!is_put && !found.ok())) { return Errc::ok; }
        const RemoteBytes old = found.ok() ? RemoteBytes{former, *found} : RemoteBytes{};
        const RemoteBytes fresh = is_put ? RemoteBytes{change.value, change.bytes} : RemoteBytes{};
        RemoteTold told;
        const Status done = ask({WireOp::dict_swap, type, timeout_until(deadline_ns),
                                 (found.ok() ? kSwapOld : 0) | (is_put ? kSwapNew : 0),
                                 signed_of(old.bytes), key, old, fresh},
                                told);
        if (!done.ok() || told.a != 0) { return done; }
        // Another has changed it meanwhile: one of all who try has got on.
        if (has_passed(deadline_ns)) { return Errc::timed_out; }
    }
}

namespace {

/// Whether what came is `count` items.
bool is_whole(const unsigned char* at, std::size_t bytes, std::size_t count) noexcept {
    constexpr std::size_t kNote = 8, kPad = 3;
    for (; count > 0; --count) {
        if (bytes < kNote) { return false; }
        std::uint32_t sizes[2];
        __builtin_memcpy(sizes, at, sizeof sizes);
        const std::uint64_t all = kNote + (std::uint64_t{sizes[0]} + kPad) / 4 * 4 +
                                  (std::uint64_t{sizes[1]} + kPad) / 4 * 4;
        if (all > bytes) { return false; }
        at += all;
        bytes -= static_cast<std::size_t>(all);
    }
    return bytes == 0;
}

}  // namespace

Result<DictCopy> RemoteDictCore::copy(const ObjectType& type, Timeout timeout) const noexcept {
    constexpr std::size_t kFirstBytes = 4096;
    unsigned char first[kFirstBytes];
    RemoteTalk talk(*this, timeout);
    RemoteTold told;
    told.value = first;
    told.value_bytes = sizeof first;
    Status done =
        talk.ask({WireOp::dict_items, type, timeout, 0, signed_of(sizeof first), {}, {}, {}}, told);
    if (!done.ok()) { return done.error(); }
    DictCopy copy;
    if (told.a == 0) { return copy; }
    const std::int64_t all = told.a, count = told.b;
    if (all < 0 || static_cast<std::uint64_t>(all) > SIZE_MAX / 2 || count < 0) {
        return Errc::bad_frame;
    }
    const Result<void*> memory = port::map_private(static_cast<std::size_t>(all));
    if (!memory.ok()) { return memory.error(); }
    copy.memory_ = static_cast<unsigned char*>(*memory);
    copy.bytes_ = copy.used_ = static_cast<std::size_t>(all);
    copy.count_ = static_cast<std::size_t>(count);
    if (told.value_bytes > copy.bytes_) { return Errc::bad_frame; }
    __builtin_memcpy(copy.memory_, first, told.value_bytes);
    for (std::size_t at = told.value_bytes; at < copy.bytes_; at += told.value_bytes) {
        told.value = copy.memory_ + at;
        told.value_bytes = copy.bytes_ - at;
        done = talk.ask({WireOp::dict_items,
                         type,
                         timeout,
                         signed_of(at),
                         signed_of(told.value_bytes),
                         {},
                         {},
                         {}},
                        told);
        if (!done.ok()) { return done.error(); }
        if (told.value_bytes == 0) { return Errc::bad_frame; }
    }
    if (!is_whole(copy.memory_, copy.bytes_, copy.count_)) { return Errc::bad_frame; }
    return copy;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
