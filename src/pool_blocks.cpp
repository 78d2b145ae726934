// Blocks for large tasks: making their memory, handing blocks out, taking them back.
#include "pool_blocks.hpp"

#include <brood/detail/block.hpp>

#include "pool_slots.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t kDefaultBytes = sizeof(void*) < 8 ? std::size_t{16} << 20
                                                        : std::size_t{64} << 20;
// Memory is asked for in steps, so that not each new block costs a system call; and so much stays
// when all blocks are free.
constexpr std::size_t kStepUnits = 256, kKeptUnits = 1024;

std::size_t whole(std::size_t bytes, std::size_t unit) noexcept {
    return (bytes + unit - 1) / unit * unit;
}

std::size_t units_of(std::size_t bytes) noexcept {
    return (bytes + PoolBlocks::kUnit - 1) / PoolBlocks::kUnit;
}

/// PoolCore::free_block: with the mutex, when a slot is given back.
void free_block(PoolCore& core, std::uint32_t slot) noexcept {
    PoolBlocks& blocks = *core.blocks;
    PoolBlocks::Extent& extent = blocks.of_slot[slot];
    if (extent.units == 0) { return; }
    blocks.mark(extent.first, extent.units, false);
    extent.units = 0;
    if (blocks.used == 0) { blocks.shrink(); }
}

/// Gives the slot `units` units. Call with the mutex.
Status take_block(PoolCore& core, std::uint32_t slot, std::size_t units) noexcept {
    PoolBlocks& blocks = *core.blocks;
    std::size_t first = blocks.find(units);
    for (std::uint32_t before = UINT32_MAX; first == blocks.units && before != core.forgotten;) {
        // Tasks that nobody asks for may have ended, and hold blocks.
        before = core.forgotten;
        sweep_forgotten(core);
        first = blocks.find(units);
    }
    if (first == blocks.units) { return Errc::full; }
    const Status allocated = blocks.allocate(first + units);
    if (!allocated.ok()) { return allocated; }
    blocks.mark(first, units, true);
    blocks.of_slot[slot] = {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(units)};
    return Errc::ok;
}

struct Wanted {
    std::uint32_t slot;
    std::size_t units;
};
Status take_wanted(PoolCore& core, void* context) noexcept {
    const Wanted& wanted = *static_cast<Wanted*>(context);
    return take_block(core, wanted.slot, wanted.units);
}

}  // namespace

std::size_t PoolBlocks::find(std::size_t count) noexcept {
    while (full_before < units && is_used(full_before)) { ++full_before; }
    std::size_t found = 0;
    for (std::size_t unit = full_before; unit < units;) {
        const std::uint64_t word = bits[unit / kWordBits];
        const bool begins_word = unit % kWordBits == 0 && unit + kWordBits <= units;
        if (begins_word && word == ~std::uint64_t{0}) {
            found = 0;
            unit += kWordBits;
        } else if (begins_word && word == 0 && found + kWordBits < count) {
            found += kWordBits;
            unit += kWordBits;
        } else {
            found = is_used(unit) ? 0 : found + 1;
            ++unit;
            if (found == count) { return unit - count; }
        }
    }
    return units;
}

void PoolBlocks::mark(std::size_t first, std::size_t count, bool as_used) noexcept {
    for (std::size_t unit = first; unit < first + count; ++unit) {
        const std::uint64_t bit = std::uint64_t{1} << unit % kWordBits;
        std::uint64_t& word = bits[unit / kWordBits];
        word = as_used ? word | bit : word & ~bit;
    }
    used = as_used ? used + count : used - count;
    if (!as_used && first < full_before) { full_before = first; }
}

Status PoolBlocks::allocate(std::size_t count) noexcept {
    if (count <= allocated) { return Errc::ok; }
    std::size_t wanted = whole(count, kStepUnits);
    if (wanted > units) { wanted = units; }
    const Status status =
        port::allocate_reserved(area + allocated * kUnit, (wanted - allocated) * kUnit);
    if (status.ok()) { allocated = wanted; }
    return status;
}

void PoolBlocks::shrink() noexcept {
    if (allocated <= kKeptUnits) { return; }
    const std::size_t more = (allocated - kKeptUnits) * kUnit;
    // Where the system does not take it, it stays.
    if (port::give_back(area + kKeptUnits * kUnit, more).ok()) { allocated = kKeptUnits; }
}

// Called before the fork, so that all have it at the same address.
Result<void*> map_with_blocks(PoolCore& core, std::uint32_t capacity, std::size_t& bytes) noexcept {
    std::size_t asked = core.block_bytes();
    if (asked == 0) { asked = kDefaultBytes; }
    if (asked > PTRDIFF_MAX / 2) { return Errc::bad_argument; }
    const std::size_t units = whole(units_of(asked), kStepUnits);
    const std::size_t books_at = whole(bytes, 64);
    const std::size_t books = sizeof(PoolBlocks) + capacity * sizeof(PoolBlocks::Extent);
    const std::size_t bits_at = whole(books_at + books, sizeof(std::uint64_t));
    const std::size_t area_at = whole(bits_at + units / 8, port::page_bytes());
    const Result<port::Reservation> reserved = port::reserve_shared(
        area_at + units * PoolBlocks::kUnit, area_at + kStepUnits * PoolBlocks::kUnit);
    if (!reserved.ok()) { return reserved.error(); }
    const Status allocated = port::allocate_reserved(reserved->address, area_at);
    if (!allocated.ok()) {
        port::unmap(reserved->address, reserved->bytes);
        return allocated.error();
    }
    auto* const base = static_cast<unsigned char*>(reserved->address);
    __builtin_memset(base, 0, area_at);
    auto* const blocks = ::new (base + books_at) PoolBlocks;
    blocks->area = base + area_at;
    const std::size_t room = (reserved->bytes - area_at) / PoolBlocks::kUnit;
    blocks->units = room < units ? room / kStepUnits * kStepUnits : units;
    blocks->bits = reinterpret_cast<std::uint64_t*>(base + bits_at);
    core.blocks = blocks;
    core.free_block = &free_block;
    if (core.at_free == nullptr) { core.at_free = &free_block; }
    bytes = reserved->bytes;
    return reserved->address;
}

Result<Block> pool_add_block(PoolCore* core, Ticket ticket, std::uint64_t result_bytes,
                             std::uint64_t call_bytes) noexcept {
    return pool_add_block_patiently(core, ticket, result_bytes, call_bytes, 0);
}

Result<Block> pool_add_block_patiently(PoolCore* core, Ticket ticket, std::uint64_t result_bytes,
                                       std::uint64_t call_bytes, std::int64_t room_ns) noexcept {
    PoolBlocks& blocks = *core->blocks;
    const std::uint64_t bytes = to_16(result_bytes) + call_bytes;
    Status taken = Error(Errc::task_too_large, 0, static_cast<std::int64_t>(bytes));
    if (bytes <= std::uint64_t{blocks.units} * PoolBlocks::kUnit) {
        Wanted wanted = {ticket.slot, units_of(static_cast<std::size_t>(bytes))};
        {
            const HostMutexHold hold(core->mutex);
            taken = take_wanted(*core, &wanted);
        }
        if (taken.code() == Errc::full && await_taking != nullptr) {
            if (room_ns == kWaitAsThePool) { room_ns = core->room_ns(); }
            taken = await_taking(*core, room_ns, &take_wanted, &wanted);
        }
    }
    if (!taken.ok()) {
        pool_unreserve(core, ticket);
        return taken.error();
    }
    unsigned char* const results = blocks.results(ticket.slot);
    const Block block = {results, results + static_cast<std::size_t>(to_16(result_bytes))};
    __builtin_memcpy(pool_payload(core, ticket), &block, sizeof block);
    return block;
}

bool pool_has_block(PoolCore* core, Ticket ticket) noexcept {
    return core->blocks->of_slot[ticket.slot].units != 0;
}

unsigned char* pool_results(PoolCore* core, Ticket ticket) noexcept {
    return pool_has_block(core, ticket) ? core->blocks->results(ticket.slot)
                                        : static_cast<unsigned char*>(pool_payload(core, ticket));
}

}  // namespace detail

// Defined here, not in the header: who calls it links the blocks.
PoolOptions& PoolOptions::block_bytes(std::size_t bytes) noexcept {
    rest_.block_bytes = bytes == 0 ? SIZE_MAX : bytes;
    return *this;
}

}  // namespace v0
}  // namespace brood
