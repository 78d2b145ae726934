// What goes on in the host while a thread of it waits for whatever it may be: callbacks of tasks,
// and maps that have more to send.
#ifndef BROOD_SRC_POOL_FOLLOW_HPP
#define BROOD_SRC_POOL_FOLLOW_HPP

#include <brood/detail/map_job.hpp>

#include "pool_wait.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// PoolCore::follow of a pool with callbacks or maps. Deadline 0: does what can be done now.
/// Otherwise: until nothing is left. Returns ok; timed_out; full (a map waits for others to give
/// back slots).
Errc follow(PoolCore& core, std::int64_t deadline_ns) noexcept;

/// Before something is followed that is counted in core.following. Call with core.mutex.
void begin_following(PoolCore& core) noexcept;
/// When it was told. Call with core.mutex.
void end_following(PoolCore& core) noexcept;

/// Why tasks that have not ended never will; ok while they may.
Errc why_over(PoolCore& core) noexcept;

/// Sends and collects what it can, and says whether the job has ended. If that is news, it is at
/// work no longer, and `callback` is to be called. Call with core.follow_mutex.
bool carry_on(MapJob& job, Callback& callback) noexcept;
/// Tells what came of a job that has ended.
void tell(PoolCore& core, Callback& callback, const MapResult& result, Status outcome) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
