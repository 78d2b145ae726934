// What a client and a ManagerServer say to each other. This page is the one description.
//
// Each message is one of Connection's: a request, and then the reply to it, in turn. A client that
// sends another before it has the reply is cut off. The numbers of a head are little-endian,
// without padding; behind it lie `key_bytes` bytes and then `value_bytes` bytes, and nothing else.
//
//     request: u32 op, entry, generation, kind, type0, type1; i32 timeout_ms (-1: for ever);
//              i64 a, b; u32 key_bytes, value_bytes
//     reply:   i32 code (Errc; 0: ok), os_error; i64 detail, a, b; u32 key_bytes, value_bytes
//
// entry, generation: the object. kind, type0, type1: what it has to be (detail::ObjectType).
// Elements travel as their bytes lie in memory, in the server's byte order, which hello compares.
// What an element of text, bytes, bool is made of is checked; a handle names an object by 3 u32:
// the manager's number (of hello), entry, generation.
//
//     op                 asks                              is told
//     hello              a: version; value: kByteOrder     a: the manager's number, b: the longest
//                        in the client's own order         message, a request's or a reply's
//     bye                                                  what the client holds has been released
//     find               key: name                         a: entry, b: generation
//     make               key: name, or none; a, b, value:  a: entry, b: generation
//                        see below
//     drop, keep
//     stats                                                a: bytes_used, b: bytes_max;
//                                                          value: u32 objects, objects_max
//   dict
//     dict_get           key; b: room                      value
//     dict_set           key, value
//     dict_erase         key
//     dict_pop           key; b: room                      value
//     dict_contains      key                               a: 1 or 0
//     dict_swap          key; a: 1 old is there, 2 new is, a: 1 it was old and is new, 0 it was not
//                        3 both; b: bytes of old;
//                        value: old, then new
//     dict_popitem       a: room for the key, b: for the   key, value
//                        value
//     dict_size                                            a
//     dict_clear
//     dict_items         a: from which byte of the copy,   a: bytes of the copy, b: items;
//                        0 makes one; b: how many bytes    value: a piece of it
//   list: a is an index, from the end if it is below zero
//     list_get           a; b: room                        value
//     list_set           a; value
//     list_insert        a; value: elements                before that one, all at once
//     list_pop           a; b: room                        value
//     list_swap          a; b: bytes of old;               a: 1 it was old and is new, 0 it was not
//                        value: old, then new
//     list_search        a: 0 index, 1 count, 2 remove;    a: the index, or how many
//                        value
//     list_size                                            a
//     list_erase         a: from, b: to
//     list_reverse
//     list_sort                                            by <, as List::sort()
//     list_items         a: from which element of the      a: elements of the copy, b: bytes of
//                        copy; 0 makes one, of the slice   them; value: some elements
//                        that is the key: i64 from, to,
//                        step
//   queue, joinable_queue
//     queue_put          value
//     queue_get                                            value
//     queue_put_many     value: messages                   a: how many it put, from the first on
//     queue_get_many     b: how many                       a: how many it got; value: messages
//     queue_size                                           a: qsize, b: maxsize
//     queue_lost                                           a
//     queue_shutdown     a: 0 drain, 1 now
//     task_done, join
//   lock, rlock, semaphores, condition; the lock of a value or an array
//     acquire
//     release            a: permits (1 of others)
//     permits                                              a
//     notify             a: how many
//     wait               condition; event
//   event
//     event_set, event_clear
//     event_is_set                                         a: 1 or 0
//   barrier
//     barrier_wait       a: 1 with its own timeout         a: which one the caller is
//     barrier_abort, barrier_reset
//     barrier_state                                        a: parties, b: how many wait; -1 broken
//   value, array
//     elements_read      a: first, b: how many             value
//     elements_write     a: first; value
//     elements_count                                       a
//     elements_add       a: first, b: amount               a: what it was
//
// make: of a dict nothing more; semaphores a: permits; condition a: waiters; barrier a: parties, b:
// its timeout in ms, -1 for ever; queues a: maxsize; array a: count; value `value`: what it is, or
// none for zeroes. What has no name goes with the connection, unless it is kept.
//
// room: how many bytes the client can take; an element with more stays, and is told as
// buffer_too_short (detail: how many it has). Elements of a list, one or several: each as u32
// bytes, and these. The value of a dict with type1 0, a namespace: u32 its type, and its bytes.
//
// A copy (dict_items) is bytes of: u32 key_bytes, u32 value_bytes (in the server's order), key,
// value, both filled up to a multiple of 4. One copy for each connection, until its end was sent.
#ifndef BROOD_SRC_MANAGER_WIRE_HPP
#define BROOD_SRC_MANAGER_WIRE_HPP

#include <cstddef>
#include <cstdint>

#include <brood/detail/wire_op.hpp>
#include <brood/error.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

inline constexpr std::int64_t kWireVersion = 1;
inline constexpr std::uint64_t kByteOrder = 0x0102030405060708;
/// How long the other end's machine may not answer.
inline constexpr std::int64_t kSilentNs = 60000000000;

/// Writes or reads the numbers of a head, one after the other, as little-endian.
template <class Byte>
class WireCursor {
public:
    explicit WireCursor(Byte* at) noexcept : at_(at) {}
    void put(std::uint64_t number, std::size_t bytes) noexcept {
        for (; bytes > 0; --bytes, number >>= 8) { *at_++ = static_cast<Byte>(number & 0xff); }
    }
    std::uint64_t get(std::size_t bytes) noexcept {
        std::uint64_t number = 0;
        for (std::size_t i = 0; i < bytes; ++i) { number |= std::uint64_t{*at_++} << (8 * i); }
        return number;
    }
    std::uint32_t get32() noexcept { return static_cast<std::uint32_t>(get(4)); }
    std::int64_t get64() noexcept { return static_cast<std::int64_t>(get(8)); }

private:
    Byte* at_;
};

struct WireRequest {
    static constexpr std::size_t kBytes = 52;
    WireOp op = WireOp::hello;
    std::uint32_t entry = 0, generation = 0, kind = 0, types[2] = {};
    std::int32_t timeout_ms = 0;
    std::int64_t a = 0, b = 0;
    std::uint32_t key_bytes = 0, value_bytes = 0;

    void write(unsigned char* head) const noexcept {
        WireCursor<unsigned char> to(head);
        for (const std::uint32_t number :
             {static_cast<std::uint32_t>(op), entry, generation, kind, types[0], types[1],
              static_cast<std::uint32_t>(timeout_ms)}) {
            to.put(number, 4);
        }
        to.put(static_cast<std::uint64_t>(a), 8);
        to.put(static_cast<std::uint64_t>(b), 8);
        to.put(key_bytes, 4);
        to.put(value_bytes, 4);
    }
    static WireRequest read(const unsigned char* head) noexcept {
        WireCursor<const unsigned char> from(head);
        WireRequest request;
        request.op = static_cast<WireOp>(from.get32());
        request.entry = from.get32();
        request.generation = from.get32();
        request.kind = from.get32();
        request.types[0] = from.get32();
        request.types[1] = from.get32();
        request.timeout_ms = static_cast<std::int32_t>(from.get32());
        request.a = from.get64();
        request.b = from.get64();
        request.key_bytes = from.get32();
        request.value_bytes = from.get32();
        return request;
    }
};

struct WireReply {
    static constexpr std::size_t kBytes = 40;
    std::int32_t code = 0, os_error = 0;
    std::int64_t detail = 0, a = 0, b = 0;
    std::uint32_t key_bytes = 0, value_bytes = 0;

    void write(unsigned char* head) const noexcept {
        WireCursor<unsigned char> to(head);
        to.put(static_cast<std::uint32_t>(code), 4);
        to.put(static_cast<std::uint32_t>(os_error), 4);
        for (const std::int64_t number : {detail, a, b}) {
            to.put(static_cast<std::uint64_t>(number), 8);
        }
        to.put(key_bytes, 4);
        to.put(value_bytes, 4);
    }
    static WireReply read(const unsigned char* head) noexcept {
        WireCursor<const unsigned char> from(head);
        WireReply reply;
        reply.code = static_cast<std::int32_t>(from.get32());
        reply.os_error = static_cast<std::int32_t>(from.get32());
        reply.detail = from.get64();
        reply.a = from.get64();
        reply.b = from.get64();
        reply.key_bytes = from.get32();
        reply.value_bytes = from.get32();
        return reply;
    }
};

/// Whether a message of `bytes` is a head and what it says lies behind it.
template <class Head>
bool wire_fits(const Head& head, std::size_t bytes) noexcept {
    return bytes == Head::kBytes + std::uint64_t{head.key_bytes} + head.value_bytes;
}

/// Of a valid timeout: rounded up to milliseconds; more than 24 days are for ever.
constexpr std::int32_t wire_timeout(Timeout timeout) noexcept {
    if (timeout.is_forever() || timeout.nanoseconds() / 1000000 >= INT32_MAX) { return -1; }
    return static_cast<std::int32_t>((timeout.nanoseconds() + 999999) / 1000000);
}
constexpr Timeout wire_timeout_of(std::int64_t ms) noexcept {
    return ms < 0 ? Timeout::forever() : Timeout::of(ms, 1000000);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
