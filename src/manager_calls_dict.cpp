// What clients of a ManagerServer ask for: dictionaries.
#include <utility>

#include "manager_handler.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace wire_calls {
namespace {

DictHandle dict_of(const WireCall& call) noexcept {
    return DictHandle{call.handle};
}

/// What dict_swap has to find, and to put in its place.
struct Swap {
    const unsigned char* old;
    std::size_t old_bytes;
    bool was_there;
    DictChange change;
    bool is_done;

    static DictChange decide(void* context, const void* value, std::size_t bytes) noexcept {
        Swap& swap = *static_cast<Swap*>(context);
        swap.is_done = value == nullptr ? !swap.was_there
                                        : swap.was_there && bytes == swap.old_bytes &&
                                              __builtin_memcmp(value, swap.old, bytes) == 0;
        return swap.is_done ? swap.change : DictChange();
    }
};

}  // namespace

Status dict_get(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) -> Status {
        const Result<std::size_t> bytes = dict_of(call).get(
            call.type, call.key, call.request.key_bytes, call.out, call.value_room(), wait);
        call.reply.value_bytes = static_cast<std::uint32_t>(bytes.value_or(0));
        return bytes.status();
    });
}

Status dict_set(WireCall& call) noexcept {
    Status checked = call.check_key();
    if (checked.ok()) { checked = call.check_value(call.value, call.request.value_bytes); }
    if (!checked.ok()) { return checked; }
    return call.waiting([&](Timeout wait) {
        return dict_of(call).set(call.type, call.key, call.request.key_bytes, call.value,
                                 call.request.value_bytes, wait);
    });
}

Status dict_erase(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) {
        return dict_of(call).erase_key(call.type, call.key, call.request.key_bytes, wait);
    });
}

Status dict_pop(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) -> Status {
        const Result<std::size_t> bytes = dict_of(call).take(
            call.type, call.key, call.request.key_bytes, call.out, call.value_room(), wait);
        call.reply.value_bytes = static_cast<std::uint32_t>(bytes.value_or(0));
        return bytes.status();
    });
}

Status dict_contains(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) -> Status {
        const Result<bool> is_there =
            dict_of(call).has(call.type, call.key, call.request.key_bytes, wait);
        call.reply.a = is_there.value_or(false) ? 1 : 0;
        return is_there.status();
    });
}

Status dict_swap(WireCall& call) noexcept {
    const std::int64_t which = call.request.a, old_bytes = call.request.b;
    const bool was_there = (which & kSwapOld) != 0, will_be = (which & kSwapNew) != 0;
    const bool is_whole = old_bytes >= 0 && old_bytes <= call.request.value_bytes &&
                          (which & ~(kSwapOld | kSwapNew)) == 0 && (was_there || old_bytes == 0);
    if (!is_whole) { return Errc::bad_argument; }
    const auto old = static_cast<std::size_t>(old_bytes);
    const unsigned char* const value = call.value + old;
    const std::size_t bytes = call.request.value_bytes - old;
    Status checked = call.check_key();
    if (checked.ok() && will_be) { checked = call.check_value(value, bytes); }
    if (!checked.ok() || (!will_be && bytes != 0)) { return Errc::bad_argument; }
    const DictChange::What what = will_be ? DictChange::What::put : DictChange::What::erase;
    Swap swap = {call.value, old, was_there, {what, value, bytes}, false};
    const Status done = call.waiting([&](Timeout wait) {
        return dict_of(call).change(call.type, call.key, call.request.key_bytes, &Swap::decide,
                                    &swap, wait);
    });
    call.reply.a = swap.is_done ? 1 : 0;
    return done;
}

Status dict_popitem(WireCall& call) noexcept {
    if (call.request.a < 0) { return Errc::bad_argument; }
    unsigned char* const value = call.out + call.room / 2;
    return call.waiting([&](Timeout wait) -> Status {
        std::size_t key_bytes = call.room / 2, bytes = call.room - key_bytes;
        if (static_cast<std::uint64_t>(call.request.a) < key_bytes) {
            key_bytes = static_cast<std::size_t>(call.request.a);
        }
        if (call.value_room() < bytes) { bytes = call.value_room(); }
        const Status done =
            dict_of(call).pop_newest(call.type, call.out, key_bytes, value, bytes, wait);
        if (!done.ok()) { return done; }
        __builtin_memmove(call.out + key_bytes, value, bytes);
        call.reply.key_bytes = static_cast<std::uint32_t>(key_bytes);
        call.reply.value_bytes = static_cast<std::uint32_t>(bytes);
        return Errc::ok;
    });
}

Status dict_size(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) -> Status {
        const Result<std::size_t> count = dict_of(call).count(call.type, wait);
        call.reply.a = static_cast<std::int64_t>(count.value_or(0));
        return count.status();
    });
}

Status dict_clear(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) { return dict_of(call).clear(call.type, wait); });
}

Status dict_items(WireCall& call) noexcept {
    DictCopy& copy = call.handler.copy();
    if (call.request.a == 0) {
        const Status copied = call.waiting([&](Timeout wait) {
            Result<DictCopy> made = dict_of(call).copy(call.type, wait);
            if (made.ok()) { copy = std::move(*made); }
            return made.status();
        });
        if (!copied.ok()) { return copied; }
    }
    const auto all = static_cast<std::int64_t>(copy.end() - copy.begin());
    const std::int64_t from = call.request.a, wanted = call.request.b;
    if (from < 0 || from > all || wanted < 0) { return Errc::out_of_range; }
    std::int64_t bytes = all - from;
    if (bytes > wanted) { bytes = wanted; }
    if (bytes > static_cast<std::int64_t>(call.room)) {
        bytes = static_cast<std::int64_t>(call.room);
    }
    call.reply.a = all;
    call.reply.b = static_cast<std::int64_t>(copy.count());
    call.reply.value_bytes = static_cast<std::uint32_t>(bytes);
    if (bytes != 0) {
        __builtin_memcpy(call.out, copy.begin() + from, static_cast<std::size_t>(bytes));
    }
    if (from + bytes == all) { copy = DictCopy(); }
    return Errc::ok;
}

}  // namespace wire_calls
}  // namespace detail
}  // namespace v0
}  // namespace brood
