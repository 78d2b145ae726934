// The shared memory behind a pool's table from which large tasks get blocks. All of it is the
// host's: workers and supervisor only read and write what blocks hold, so their deaths leave the
// books in order, and the host's ends the pool.
#ifndef BROOD_SRC_POOL_BLOCKS_HPP
#define BROOD_SRC_POOL_BLOCKS_HPP

#include "pool_core.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// Blocks are some units long, one behind the other. A bit for each unit says whether it is used.
struct PoolBlocks {
    static constexpr std::size_t kUnit = 1024;
    static constexpr std::size_t kWordBits = 64;

    struct Extent {
        std::uint32_t first, units;  // 0 units: none
    };

    unsigned char* area;
    std::size_t units;      // addresses there are for
    std::size_t allocated;  // of them that have memory, from the first on
    std::size_t used;
    std::size_t full_before;  // all units before this one are used
    std::uint64_t* bits;      // behind the extents
    Extent of_slot[1];        // `capacity` of them

    /// The block of a slot that has one; results come first in it.
    unsigned char* results(std::uint32_t slot) const noexcept {
        return area + std::size_t{of_slot[slot].first} * kUnit;
    }
    bool is_used(std::size_t unit) const noexcept {
        return (bits[unit / kWordBits] >> unit % kWordBits & 1) != 0;
    }
    /// The first of `count` free units in a row; `units` if there are none.
    std::size_t find(std::size_t count) noexcept;
    void mark(std::size_t first, std::size_t count, bool as_used) noexcept;

    /// Memory for the first `count` units, now.
    Status allocate(std::size_t count) noexcept;
    /// After the last block was given back: what only a burst needed goes back to the system.
    void shrink() noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
