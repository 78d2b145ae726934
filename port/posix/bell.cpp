// Sleeping and waking without a futex: sleepers look again in steps of 50 us to 10 ms.
//
// A process-shared semaphore would wake them sooner, but sem_timedwait follows the wall clock,
// which may be set back during a wait, and a post meant for a sleeper that was killed would have to
// be told from one for a living. Looking again is immune to both: it holds no count that the dead
// own.
#include <new>

#include <port/port.hpp>

#include "time.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

constexpr std::int64_t kStepMaxNs = 10000000;

// Counts bell_ring(), so that a sleeper notices one that left the word as it was. It may wrap: only
// a sleeper stopped during exactly 2^32 rings misses them, and then it merely sleeps on.
using Rings = std::atomic<std::uint32_t>;
static_assert(sizeof(Rings) <= sizeof(Bell::port_private));
static_assert(offsetof(Bell, port_private) % alignof(Rings) == 0);

Rings& rings_of(Bell& bell) noexcept {
    return *std::launder(reinterpret_cast<Rings*>(bell.port_private));
}

}  // namespace

Status bell_init(Bell&) noexcept {
    return {};  // Zeroed memory is a bell.
}

Status bell_wait(Bell& bell, std::uint32_t expected, std::uint32_t,
                 std::int64_t deadline_ns) noexcept {
    return bell_wait_having_looked(bell, expected, nullptr, 0, deadline_ns);
}

Status bell_wait_having_looked(Bell& bell, std::uint32_t expected, const LookedAt* looked,
                               std::size_t count, std::int64_t deadline_ns) noexcept {
    // Read before the word: who rings from here on is noticed. Who rang before has changed the word
    // already, or the caller would miss that ring on any port.
    const std::uint32_t rings = rings_of(bell).load(std::memory_order_acquire);
    detail::Backoff backoff(kStepMaxNs);
    for (;;) {
        if (bell.word.load(std::memory_order_seq_cst) != expected) { return {}; }
        if (rings_of(bell).load(std::memory_order_acquire) != rings) { return {}; }
        for (const LookedAt* one = looked; one != looked + count; ++one) {
            if (one->word->load(std::memory_order_seq_cst) != one->value) { return {}; }
        }
        if (detail::left_until(deadline_ns) == 0) { return Errc::timed_out; }
        backoff.sleep(deadline_ns);
    }
}

std::uint32_t bell_ring(Bell& bell, std::uint32_t count, std::uint32_t) noexcept {
    if (count == 0) { return 0; }
    // Nobody counts sleepers, so all of them look again.
    rings_of(bell).fetch_add(1, std::memory_order_release);
    return count;
}

void bell_ring_lookers(Bell&, std::atomic<std::uint32_t>&) noexcept {}

Status bell_keep(Bell&) noexcept {
    return Errc::unsupported;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
