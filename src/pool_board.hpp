// What an announced pool shows to other programs: a shared object with a name, written by its
// supervisor alone. This is an ABI: processes of any word size read it.
//
//   0    header    as that of every segment (segment_layout.hpp), of kind `pool`
//   64   the pool  who it is, PoolStats
//   256  workers   `count` places for a WorkerStats
//
// Its supervisor holds the creation lock (named_object.hpp) for as long as it lives: held means
// that the pool lives, or is stopped; free, that it is dead, however far it got, and whoever sees
// that removes the name. There are no pointers, and nothing that says where something lies.
#ifndef BROOD_SRC_POOL_BOARD_HPP
#define BROOD_SRC_POOL_BOARD_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <brood/pool_options.hpp>
#include <brood/pool_stats.hpp>
#include <port/port.hpp>

#include "segment_layout.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// The name of a board is this, the pid of the supervisor, "-" and a number.
inline constexpr const char* kBoardPrefix = "/brood-pool-";

struct PoolBoard {
    SegmentHeader header;
    std::atomic<std::uint32_t> version;  // odd while it is written
    std::int32_t host, supervisor;
    std::uint32_t rows;       // workers that are there
    std::uint64_t begun_ns;   // on the monotonic clock, as the next
    std::uint64_t looked_ns;  // when all this was so
    char name[PoolOptions::kNameBytes];
    PoolStats stats;
    std::uint8_t reserved[32];
    WorkerStats worker[1];

    static constexpr std::size_t kWorkersAt = 256;
    static constexpr std::size_t bytes_for(std::size_t workers) noexcept {
        return kWorkersAt + workers * sizeof(WorkerStats);
    }
};
static_assert(sizeof(PoolStats) == 96 && sizeof(WorkerStats) == 40, "an ABI");
static_assert(offsetof(PoolStats, workers) == 80 && offsetof(WorkerStats, in_task_ms) == 16);
static_assert(offsetof(PoolBoard, version) == 64 && offsetof(PoolBoard, begun_ns) == 80);
static_assert(offsetof(PoolBoard, name) == 96 && offsetof(PoolBoard, stats) == 128);
static_assert(offsetof(PoolBoard, worker) == PoolBoard::kWorkersAt);

/// Whether a board is whole and fits into an object of so many bytes: ok; not_ready (its maker is
/// not done); version_mismatch; corrupt. `places`: how many workers it has room for.
Errc check_board(const SegmentHeader& header, std::uint64_t object_bytes,
                 std::uint32_t& places) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
