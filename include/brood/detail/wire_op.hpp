// What a remote manager is asked to do: src/manager_wire.hpp describes it.
#ifndef BROOD_DETAIL_WIRE_OP_HPP
#define BROOD_DETAIL_WIRE_OP_HPP

#include <cstdint>

namespace brood {
inline namespace v0 {
namespace detail {

/// Numbers are an ABI: new ones are appended to their group, none is reused.
enum class WireOp : std::uint32_t {
    hello = 1,
    bye = 2,
    find = 3,
    make = 4,
    drop = 5,
    keep = 6,
    stats = 7,

    dict_get = 16,
    dict_set = 17,
    dict_erase = 18,
    dict_pop = 19,
    dict_contains = 20,
    dict_swap = 21,
    dict_popitem = 22,
    dict_size = 23,
    dict_clear = 24,
    dict_items = 25,

    list_get = 32,
    list_set = 33,
    list_insert = 34,
    list_pop = 35,
    list_swap = 36,
    list_search = 37,
    list_size = 38,
    list_erase = 39,
    list_reverse = 40,
    list_sort = 41,
    list_items = 42,

    queue_put = 48,
    queue_get = 49,
    queue_size = 50,
    queue_shutdown = 51,
    task_done = 52,
    join = 53,
    queue_put_many = 54,
    queue_get_many = 55,
    queue_lost = 56,

    acquire = 64,
    release = 65,
    permits = 66,
    notify = 67,
    wait = 68,
    event_set = 72,
    event_clear = 73,
    event_is_set = 74,
    barrier_wait = 80,
    barrier_abort = 81,
    barrier_reset = 82,
    barrier_state = 83,

    elements_read = 88,
    elements_write = 89,
    elements_count = 90,
    elements_add = 91,
};

/// Of dict_swap: what there is before and after.
inline constexpr std::int64_t kSwapOld = 1, kSwapNew = 2;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
