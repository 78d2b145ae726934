// The way for tests into what a Pool keeps to itself.
#ifndef BROOD_TEST_POOL_INSIDE_HPP
#define BROOD_TEST_POOL_INSIDE_HPP

#include <string.h>

#include <brood/pool.hpp>
#include <src/pool_core.hpp>

namespace test {

/// What only the host knows.
inline brood::detail::PoolCore& core_of(brood::Pool& pool) {
    brood::detail::PoolCore* core = nullptr;
    static_assert(sizeof pool == sizeof core, "a Pool is a pointer to its core");
    memcpy(&core, static_cast<void*>(&pool), sizeof core);
    return *core;
}
/// What host and workers share. Tests may set its counts as if hours had passed.
inline brood::detail::PoolShared& shared_of(brood::Pool& pool) {
    return *core_of(pool).shared;
}

}  // namespace test

#endif
