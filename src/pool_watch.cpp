// What maps and iterators need of a pool beyond tasks and their futures.
#include "pool_slots.hpp"
#include "pool_wait.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

Errc pool_watch(PoolCore* core, Watch watch, void* context, Timeout timeout) noexcept {
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    if (!core->is_host()) { return Errc::wrong_process; }
    const auto has_ended = [=] { return watch(context); };
    if (timeout.is_no_wait()) { return look_at(*core, has_ended); }
    return sleep_until_ended(*core, kWantAny - 1, has_ended, deadline_ns);
}

void pool_unreserve(PoolCore* core, Ticket ticket) noexcept {
    const HostMutexHold hold(core->mutex);
    free_slot(*core, ticket.slot);
    if (core->short_of_room > 0) { ring_host(*core->shared); }
    if (--core->unpublished == 0 && core->closed) { begin_closing(*core); }
}

void pool_attach(PoolCore* core) noexcept {
    const HostMutexHold hold(core->mutex);
    ++core->in_use;
}

void pool_detach(PoolCore* core) noexcept {
    if (!core->is_host()) { return; }
    bool unused = false;
    {
        const HostMutexHold hold(core->mutex);
        --core->in_use;
        unused = core->is_unused();
    }
    if (unused) { PoolCore::release(core); }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
