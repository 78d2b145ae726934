// How a pool is getting on, as its table and its workers' records say: for the host, which is
// asked, and for the supervisor of a pool that is announced.
#ifndef BROOD_SRC_POOL_STATS_HPP
#define BROOD_SRC_POOL_STATS_HPP

#include <brood/pool_stats.hpp>

#include "pool_core.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// One look at everything. In the host call it with the mutex: then each task is counted just once.
/// Else one whose slot is given back meanwhile may be missing. `is_over`: the supervisor has ended.
PoolStats tally(PoolCore& core, bool is_over) noexcept;
/// What the workers do: how many there are, and up to `room` of them.
std::size_t tally_workers(PoolCore& core, WorkerStats* list, std::size_t room) noexcept;
/// The supervisor looks which workers are stopped by a signal.
void note_stopped(PoolCore& core) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
