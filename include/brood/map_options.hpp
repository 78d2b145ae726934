// MapOptions: how Pool's maps cut their work into chunks, and what is asked for each of them.
#ifndef BROOD_MAP_OPTIONS_HPP
#define BROOD_MAP_OPTIONS_HPP

#include <cstdint>

#include <brood/detail/task.hpp>
#include <brood/task_options.hpp>

namespace brood {
inline namespace v0 {
namespace detail {
struct MapPlan;
}

/// Settings of one map: `pool.map(f, in, out, n, MapOptions().chunk_size(20))`. A value outside its
/// range makes the map return bad_argument. Trivially copyable; callers: anybody.
class MapOptions {
public:
    static constexpr std::int64_t kChunkMax = 0x7fffffff;
    static constexpr std::int64_t kWindowMax = 256;

    /// How many elements one worker gets at a time, 1 .. kChunkMax. Without it: for the maps of an
    /// array as many as fit into a slot, but few enough that each worker gets some four chunks; for
    /// imap() 1. More than fit are refused with task_too_large (detail: the payload_bytes needed).
    constexpr MapOptions& chunk_size(std::int64_t items) noexcept {
        return set(chunk_, items, kChunkMax);
    }
    /// How many chunks are in the pool's table at most, submitted and not yet collected, 1 ..
    /// kWindowMax. Without it: kWindowMax; for imap() 8 for each worker, kWindowMax at most.
    constexpr MapOptions& window(std::int64_t chunks) noexcept {
        return set(window_, chunks, kWindowMax);
    }
    /// What is asked for each of its tasks, of which every chunk is one:
    /// `MapOptions().chunk_size(1).task(TaskOptions().timeout(seconds(2)).retries(1))`. So a
    /// time-out is that of a chunk, from when a worker begins it, and then all its elements are
    /// task_timed_out; and a chunk whose worker died is run again from its first element on. The
    /// other chunks go on. With it the map may also return timeout_negative, timeout_overflow,
    /// bad_argument (what the pool refuses for a single task; and a submit_timeout(), since a map
    /// makes room itself).
    MapOptions& task(const TaskOptions& options) noexcept {
        wishes_ = options.wishes_;
        settle_ = &detail::pool_settle;  // By a pointer: other programs do not link it.
        return *this;
    }

private:
    friend struct detail::MapPlan;
    constexpr MapOptions& set(std::uint32_t& field, std::int64_t value,
                              std::int64_t most) noexcept {
        is_good_ = is_good_ && value >= 1 && value <= most;
        field = static_cast<std::uint32_t>(value);
        return *this;
    }
    std::uint32_t chunk_ = 0;  // 0: not set
    std::uint32_t window_ = 0;
    bool is_good_ = true;
    detail::TaskWishes wishes_;
    decltype(&detail::pool_settle) settle_ = nullptr;
};

}  // namespace v0
}  // namespace brood

#endif
