// What the host asks of a pool that takes care of its tasks: how long, how often, and no more.
#include "pool_care.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

static_assert(sizeof(TaskTerms) == 8 && alignof(TaskTerms) <= 8, "an array of them is shared");

std::uint64_t care_bytes(std::uint32_t workers, std::uint32_t capacity,
                         std::uint32_t slot_bytes) noexcept {
    return sizeof(PoolCare) + std::uint64_t{workers - 1} * sizeof(WorkerCare) +
           std::uint64_t{workers} * slot_bytes + std::uint64_t{capacity} * sizeof(TaskTerms);
}

void run_careful_supervisor(PoolCore& core, port::Pid host) noexcept {
    supervise_with_care(core, host);
}

// Of a part of a tick that has begun nothing may be left: so it is one more than needed.
std::uint32_t ticks_of(Timeout timeout) noexcept {
    if (timeout.is_forever()) { return 0; }
    if (timeout.is_negative()) { return kTicksNegative; }
    if (timeout.is_overflow()) { return kTicksOverflow; }
    const std::int64_t ticks = (timeout.nanoseconds() >> kTickShift) + 2;
    return ticks > kTicksMax ? kTicksOverflow : static_cast<std::uint32_t>(ticks);
}

Errc check_terms(const TaskTerms& terms) noexcept {
    if (terms.ticks == kTicksNegative) { return Errc::timeout_negative; }
    if (terms.ticks == kTicksOverflow) { return Errc::timeout_overflow; }
    return terms.retries > kRetriesMax ? Errc::bad_argument : Errc::ok;
}

}  // namespace detail

// Defined here, not in the header: who calls one of them links the care.
PoolOptions& PoolOptions::max_tasks_per_child(std::uint32_t tasks) noexcept {
    max_tasks_ = tasks == 0 ? UINT32_MAX : tasks;
    return *this;
}

PoolOptions& PoolOptions::retries(std::uint32_t times) noexcept {
    terms_.retries = times;
    return *this;
}

}  // namespace v0
}  // namespace brood
