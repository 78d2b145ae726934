// A map that goes on while the host waits for whatever it may be.
#ifndef BROOD_DETAIL_MAP_JOB_HPP
#define BROOD_DETAIL_MAP_JOB_HPP

#include <cstddef>
#include <cstdint>

#include <brood/detail/callback.hpp>
#include <brood/detail/map_plan.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

inline constexpr std::size_t kMapCallBytes = 80;  // a Chunk's function, its captures and its count

/// The byte side of MapFuture (src/map_job.cpp). While it is at work the pool knows where it is,
/// and any thread of the host that waits carries it on.
struct MapJob {
    PoolCore* core = nullptr;
    MapJob* next = nullptr;  // of those at work
    const unsigned char* inputs = nullptr;
    unsigned char* outputs = nullptr;
    std::size_t count = 0, sent = 0, collected = 0;  // elements
    ChunkShape shape{};
    std::uint32_t input_bytes = 0, output_bytes = 0;
    std::uint32_t count_at = 0;  // where the header holds how many elements follow
    std::uint32_t head = 0, tail = 0, flying = 0;  // slots of chunks, the oldest and the last
    MapPlan plan;
    Trampoline run = nullptr;
    // Of chunks that may be large. Here, so that other programs do not link what makes blocks.
    Trampoline run_block = nullptr;
    Result<Block> (*add_block)(PoolCore*, Ticket, std::uint64_t, std::uint64_t) = nullptr;
    Error first_error = Errc::ok;
    bool is_at_work = false;
    bool keeps_open = false;  // close() waits for it to send the rest
    bool is_stuck = false;    // others hold the whole table
    Callback callback{};
    alignas(16) unsigned char header[kMapCallBytes] = {};
};

/// Begins it; what it needs of the above is set. Errors: as Pool::map_async().
Status map_job_start(MapJob& job, const MapOptions& options) noexcept;
/// Waits until it has ended. ok; timed_out; full; wrong_process; timeout_negative, _overflow.
Errc map_job_wait(MapJob& job, Timeout timeout) noexcept;
/// Errors: bad_argument (it has one), wrong_process.
Errc map_job_follow(MapJob& job, const Callback& callback) noexcept;
/// From here on it is there. `from` is empty then.
void map_job_move(MapJob& from, MapJob& to) noexcept;
void map_job_drop(MapJob& job) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
