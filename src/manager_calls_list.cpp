// What clients of a ManagerServer ask for: lists.
#include <utility>

#include <brood/detail/list_element.hpp>

#include "manager_handler.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace wire_calls {
namespace {

constexpr std::size_t kElementHead = 4;

ListHandle list_of(const WireCall& call) noexcept {
    return ListHandle{call.handle};
}

std::ptrdiff_t index_of(std::int64_t index) noexcept {
    if (index > PTRDIFF_MAX) { return PTRDIFF_MAX; }
    return index < PTRDIFF_MIN ? PTRDIFF_MIN : static_cast<std::ptrdiff_t>(index);
}

std::uint32_t bytes_at(const unsigned char* at) noexcept {
    return WireCursor<const unsigned char>(at).get32();
}

/// How many elements `bytes` bytes are. Errors: bad_argument.
Result<std::size_t> count_elements(std::uint32_t type, const unsigned char* at,
                                   std::size_t bytes) noexcept {
    std::size_t count = 0;
    for (; bytes > 0; ++count) {
        if (bytes < kElementHead || bytes_at(at) > bytes - kElementHead) {
            return Errc::bad_argument;
        }
        const std::size_t size = bytes_at(at);
        const Status checked = check_element(type, at + kElementHead, size);
        if (!checked.ok()) { return checked.error(); }
        at += kElementHead + size;
        bytes -= kElementHead + size;
    }
    return count;
}

/// Gives elements in their order, as insert() asks for them.
struct Walk {
    mutable const unsigned char* at;
    mutable std::size_t index;
    const unsigned char* first;

    static ListBytes element(const void* elements, std::size_t index) noexcept {
        const Walk& walk = *static_cast<const Walk*>(elements);
        if (index < walk.index) {
            walk.index = 0;
            walk.at = walk.first;
        }
        for (; walk.index < index; ++walk.index) { walk.at += kElementHead + bytes_at(walk.at); }
        return {walk.at + kElementHead, bytes_at(walk.at)};
    }
};

/// What list_swap finds, and what it does then.
struct Swap {
    ListBytes old;
    DictChange put;
    bool was_old;

    static DictChange decide(void* context, const void* value, std::size_t bytes) noexcept {
        Swap& swap = *static_cast<Swap*>(context);
        swap.was_old = bytes == swap.old.bytes &&
                       __builtin_memcmp(value, swap.old.data, bytes) == 0;
        return swap.was_old ? swap.put : DictChange();
    }
};

// ---- The order of elements, as ElementLess has it ----------------------------------------------

template <class T>
bool is_less_as(void*, const ListBytes& a, const ListBytes& b) {
    T numbers[2];
    __builtin_memcpy(&numbers[0], a.data, sizeof(T));
    __builtin_memcpy(&numbers[1], b.data, sizeof(T));
    return numbers[0] < numbers[1];
}

/// Null: such elements have none.
auto order_of(std::uint32_t type) noexcept -> bool (*)(void*, const ListBytes&, const ListBytes&) {
    constexpr auto of = [](ElementSort sort, std::size_t bytes) noexcept {
        return element_type(sort, bytes);
    };
    switch (type) {
        case of(ElementSort::text, 0):
        case of(ElementSort::bytes, 0):
            return [](void*, const ListBytes& a, const ListBytes& b) {
                return is_less_as_bytes(a, b);
            };
        case of(ElementSort::boolean, 1):
        case of(ElementSort::unsigned_integer, 1): return &is_less_as<std::uint8_t>;
        case of(ElementSort::unsigned_integer, 2): return &is_less_as<std::uint16_t>;
        case of(ElementSort::unsigned_integer, 4): return &is_less_as<std::uint32_t>;
        case of(ElementSort::unsigned_integer, 8): return &is_less_as<std::uint64_t>;
        case of(ElementSort::signed_integer, 1): return &is_less_as<std::int8_t>;
        case of(ElementSort::signed_integer, 2): return &is_less_as<std::int16_t>;
        case of(ElementSort::signed_integer, 4): return &is_less_as<std::int32_t>;
        case of(ElementSort::signed_integer, 8): return &is_less_as<std::int64_t>;
        case of(ElementSort::floating, 4): return &is_less_as<float>;
        case of(ElementSort::floating, 8): return &is_less_as<double>;
        default: return nullptr;
    }
}

}  // namespace

Status list_get(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) -> Status {
        const Result<std::size_t> bytes = list_of(call).get(call.type, index_of(call.request.a),
                                                            call.out, call.value_room(), wait);
        call.reply.value_bytes = static_cast<std::uint32_t>(bytes.value_or(0));
        return bytes.status();
    });
}

Status list_set(WireCall& call) noexcept {
    const std::uint32_t bytes = call.request.value_bytes;
    const Status checked = check_element(call.type.elements[0], call.value, bytes);
    if (!checked.ok()) { return checked; }
    return call.waiting([&](Timeout wait) {
        return list_of(call).set(call.type, index_of(call.request.a), {call.value, bytes}, wait);
    });
}

Status list_pop(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) -> Status {
        const Result<std::size_t> bytes = list_of(call).take(call.type, index_of(call.request.a),
                                                             call.out, call.value_room(), wait);
        call.reply.value_bytes = static_cast<std::uint32_t>(bytes.value_or(0));
        return bytes.status();
    });
}

Status list_swap(WireCall& call) noexcept {
    const std::int64_t old_bytes = call.request.b;
    if (old_bytes < 0 || old_bytes > call.request.value_bytes) { return Errc::bad_argument; }
    const auto old = static_cast<std::size_t>(old_bytes);
    const std::size_t bytes = call.request.value_bytes - old;
    const Status checked = check_element(call.type.elements[0], call.value + old, bytes);
    if (!checked.ok()) { return checked; }
    Swap swap = {{call.value, old}, {DictChange::What::put, call.value + old, bytes}, false};
    const Status done = call.waiting([&](Timeout wait) {
        return list_of(call).change(call.type, index_of(call.request.a), &Swap::decide, &swap,
                                    wait);
    });
    call.reply.a = done.ok() && swap.was_old ? 1 : 0;
    return done;
}

Status list_insert(WireCall& call) noexcept {
    const Result<std::size_t> count =
        count_elements(call.type.elements[0], call.value, call.request.value_bytes);
    if (!count.ok()) { return count.error(); }
    const Walk walk = {call.value, 0, call.value};
    return call.waiting([&](Timeout wait) {
        return list_of(call).insert(call.type, index_of(call.request.a),
                                    {&Walk::element, &walk, 0, *count}, wait);
    });
}

Status list_search(WireCall& call) noexcept {
    if (call.request.a < 0 || call.request.a > 2) { return Errc::bad_argument; }
    const auto what = static_cast<ListSearch>(call.request.a);
    return call.waiting([&](Timeout wait) -> Status {
        const Result<std::size_t> found =
            list_of(call).search(call.type, what, {call.value, call.request.value_bytes}, wait);
        call.reply.a = static_cast<std::int64_t>(found.value_or(0));
        return found.status();
    });
}

Status list_size(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) -> Status {
        const Result<std::size_t> count = list_of(call).count(call.type, wait);
        call.reply.a = static_cast<std::int64_t>(count.value_or(0));
        return count.status();
    });
}

Status list_erase(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) {
        return list_of(call).erase(call.type, index_of(call.request.a), index_of(call.request.b),
                                   wait);
    });
}

Status list_reverse(WireCall& call) noexcept {
    return call.waiting([&](Timeout wait) { return list_of(call).reverse(call.type, wait); });
}

Status list_sort(WireCall& call) noexcept {
    const auto is_less = order_of(call.type.elements[0]);
    if (is_less == nullptr) { return Errc::unsupported; }
    return call.waiting([&](Timeout wait) {
        return list_of(call).sort(call.type, {is_less, nullptr}, wait);
    });
}

Status list_items(WireCall& call) noexcept {
    ListCopy& copy = call.handler.list_copy();
    if (call.request.a == 0) {
        if (call.request.key_bytes != 3 * sizeof(std::int64_t)) { return Errc::bad_argument; }
        WireCursor<const unsigned char> from(call.key);
        std::ptrdiff_t slice[3];
        for (std::ptrdiff_t& number : slice) { number = index_of(from.get64()); }
        const Status copied = call.waiting([&](Timeout wait) {
            Result<ListCopy> made =
                list_of(call).copy(call.type, {slice[0], slice[1], slice[2]}, wait);
            if (made.ok()) { copy = std::move(*made); }
            return made.status();
        });
        if (!copied.ok()) { return copied; }
    }
    const std::uint64_t all = copy.count(), from = static_cast<std::uint64_t>(call.request.a);
    if (from > all) { return Errc::out_of_range; }
    std::size_t used = 0;
    auto at = static_cast<std::size_t>(from);
    for (; at < all; ++at) {
        const ListBytes element = copy.at(at);
        if (element.bytes + kElementHead > call.room - used) { break; }
        WireCursor<unsigned char>(call.out + used).put(element.bytes, kElementHead);
        __builtin_memcpy(call.out + used + kElementHead, element.data, element.bytes);
        used += kElementHead + element.bytes;
    }
    if (at == from && from != all) {
        return Error(Errc::message_too_long, 0, static_cast<std::int64_t>(call.room));
    }
    call.reply.a = static_cast<std::int64_t>(all);
    call.reply.b = static_cast<std::int64_t>(copy.bytes());
    call.reply.value_bytes = static_cast<std::uint32_t>(used);
    if (at == all) { copy = ListCopy(); }
    return Errc::ok;
}

}  // namespace wire_calls
}  // namespace detail
}  // namespace v0
}  // namespace brood
