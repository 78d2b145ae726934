// What an announced pool does beside its work. By pointers, in a table that only PoolOptions::
// announce() names: so only programs that call it link it.
#ifndef BROOD_SRC_POOL_ANNOUNCE_HPP
#define BROOD_SRC_POOL_ANNOUNCE_HPP

#include <brood/pool_options.hpp>

#include "pool_core.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

struct Announcer {
    /// In the supervisor, before there is a worker.
    Status (*begin)(PoolCore& core);
    /// PoolCore::at_look.
    std::int64_t (*look)(PoolCore& core, std::int64_t now_ns);
    /// In the supervisor, before it ends.
    void (*end)();
    /// In the host, with its mutex, when the supervisor has ended: what a killed one has left goes.
    void (*clear)(PoolCore& core);
    /// In a worker, which has inherited what is the supervisor's.
    void (*forget)();
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
