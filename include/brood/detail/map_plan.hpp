// What a map's options come to for elements of a certain size in a certain pool.
#ifndef BROOD_DETAIL_MAP_PLAN_HPP
#define BROOD_DETAIL_MAP_PLAN_HPP

#include <cstddef>
#include <cstdint>

#include <brood/detail/chunk.hpp>
#include <brood/map_options.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// Chunks have `header` bytes and `item` more each element.
struct ChunkShape {
    std::uint32_t header, item;
    bool may_be_large;  // then what does not fit into a slot gets a block
};
template <class ChunkOf>
constexpr ChunkShape chunk_shape() noexcept {
    return {ChunkOf::header(), ChunkOf::item(), ChunkOf::may_be_large()};
}

struct MapPlan {
    std::uint32_t items = 1;   // in a chunk
    std::uint32_t window = 1;  // chunks in flight at most
    Settled settled;           // of each chunk

    /// To a slot that was reserved for a chunk.
    void give(PoolCore* core, Ticket ticket) const noexcept {
        if (settled.give != nullptr) { settled.give(core, ticket, settled); }
    }

    /// For `count` elements in an array. Errors: closed (no pool), wrong_process, bad_argument,
    /// task_too_large, timeout_negative, timeout_overflow.
    Status make(const PoolCore* core, const MapOptions& options, const ChunkShape& shape,
                std::size_t count) noexcept;
    /// The same for an input of unknown length.
    Status make_lazy(const PoolCore* core, const MapOptions& options,
                     const ChunkShape& shape) noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
