// What clients of a ManagerServer ask for: values and arrays.
//
// As Value::load() and store() have it, one element that is a number is read and written in one
// step; others, and several, as by who uses them without the lock: the client takes that, if he
// wants it.
#include "manager_handler.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace wire_calls {
namespace {

/// Calls f(the request's first element, the segment), which there is.
template <class F>
Status with_elements(WireCall& call, std::uint64_t count, F&& f) noexcept {
    const Result<ManagerView*> view = call.view();
    if (!view.ok()) { return view.error(); }
    const Segment& segment = (*view)->as<Segment>();
    const std::size_t all = segment.count();
    if (call.request.a < 0 || static_cast<std::uint64_t>(call.request.a) > all ||
        count > all - static_cast<std::uint64_t>(call.request.a)) {
        return Error(Errc::out_of_range, 0, call.request.a);
    }
    const std::size_t first = static_cast<std::size_t>(call.request.a) * call.type.elements[1];
    return f(static_cast<unsigned char*>(segment.elements()) + first);
}

/// Copies whole numbers in one step each: so a reader sees none half written.
template <class Number>
void copy_numbers(void* to, const void* from, std::size_t bytes) noexcept {
    auto* const target = static_cast<Number*>(to);
    const auto* const source = static_cast<const Number*>(from);
    for (std::size_t i = 0; i < bytes / sizeof(Number); ++i) {
        Number number;
        __atomic_load(source + i, &number, __ATOMIC_SEQ_CST);
        __atomic_store(target + i, &number, __ATOMIC_SEQ_CST);
    }
}

/// Between a message, of any alignment, and shared memory, where elements are aligned.
void copy_elements(bool is_out, unsigned char* elements, unsigned char* message, std::size_t bytes,
                   std::size_t size) noexcept {
    constexpr std::size_t kPiece = 512;
    const bool is_number = size == 1 || size == 2 || size == 4 || (size == 8 && sizeof(long) == 8);
    while (bytes > 0) {
        alignas(8) unsigned char piece[kPiece];
        const std::size_t some = bytes < kPiece ? bytes : kPiece;
        unsigned char* const to = is_out ? piece : elements;
        const unsigned char* const from = is_out ? elements : piece;
        if (!is_out) { __builtin_memcpy(piece, message, some); }
        switch (is_number ? size : 0) {
            case 1: copy_numbers<std::uint8_t>(to, from, some); break;
            case 2: copy_numbers<std::uint16_t>(to, from, some); break;
            case 4: copy_numbers<std::uint32_t>(to, from, some); break;
            case 8: copy_numbers<unsigned long>(to, from, some); break;
            default: __builtin_memcpy(to, from, some);
        }
        if (is_out) { __builtin_memcpy(message, piece, some); }
        elements += some;
        message += some;
        bytes -= some;
    }
}

template <class Integer>
std::int64_t add(void* element, std::int64_t amount) noexcept {
    return static_cast<std::int64_t>(__atomic_fetch_add(
        static_cast<Integer*>(element), static_cast<Integer>(amount), __ATOMIC_SEQ_CST));
}

}  // namespace

Status elements_read(WireCall& call) noexcept {
    if (call.request.b < 0) { return Errc::bad_argument; }
    const auto count = static_cast<std::uint64_t>(call.request.b);
    const std::size_t size = call.type.elements[1];
    return with_elements(call, count, [&](unsigned char* first) -> Status {
        // `count` is not more than there are: this cannot wrap.
        const std::uint64_t bytes = count * size;
        if (bytes > call.room) {
            return Error(Errc::message_too_long, 0, static_cast<std::int64_t>(call.room));
        }
        copy_elements(true, first, call.out, static_cast<std::size_t>(bytes), size);
        call.reply.value_bytes = static_cast<std::uint32_t>(bytes);
        return Errc::ok;
    });
}

Status elements_write(WireCall& call) noexcept {
    const std::size_t size = call.type.elements[1], bytes = call.request.value_bytes;
    if (size == 0 || bytes % size != 0) { return Errc::bad_argument; }
    return with_elements(call, bytes / size, [&](unsigned char* first) -> Status {
        const Status checked = check_all_laid_out(call.type, call.value, bytes);
        if (!checked.ok()) { return checked; }
        copy_elements(false, first, const_cast<unsigned char*>(call.value), bytes, size);
        return Errc::ok;
    });
}

Status elements_count(WireCall& call) noexcept {
    const Result<ManagerView*> view = call.view();
    if (!view.ok()) { return view.error(); }
    call.reply.a = static_cast<std::int64_t>((*view)->as<Segment>().count());
    return Errc::ok;
}

Status elements_add(WireCall& call) noexcept {
    const ElementSort sort = sort_of(call.type.elements[0]);
    const bool is_signed = sort == ElementSort::signed_integer;
    if (!is_signed && sort != ElementSort::unsigned_integer) { return Errc::unsupported; }
    return with_elements(call, 1, [&](unsigned char* element) -> Status {
        const std::int64_t amount = call.request.b;
        std::int64_t& was = call.reply.a;
        switch (call.type.elements[1]) {
            case 1:
                was = is_signed ? add<std::int8_t>(element, amount)
                                : add<std::uint8_t>(element, amount);
                break;
            case 2:
                was = is_signed ? add<std::int16_t>(element, amount)
                                : add<std::uint16_t>(element, amount);
                break;
            case 4:
                was = is_signed ? add<std::int32_t>(element, amount)
                                : add<std::uint32_t>(element, amount);
                break;
            case sizeof(long) == 8 ? 8: 0 : was = add<long>(element, amount); break;
            default: return Errc::unsupported;
        }
        return Errc::ok;
    });
}

}  // namespace wire_calls
}  // namespace detail
}  // namespace v0
}  // namespace brood
