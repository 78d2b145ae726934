// PoolView: how the pools of other programs are getting on.
#ifndef BROOD_POOL_VIEW_HPP
#define BROOD_POOL_VIEW_HPP

#include <cstddef>
#include <cstdint>

#include <brood/pool_options.hpp>
#include <brood/pool_stats.hpp>
#include <brood/result.hpp>
#include <brood/text.hpp>

namespace brood {
inline namespace v0 {

/// An announced pool as of one moment: see PoolOptions::announce().
struct PoolReport {
    Text<PoolOptions::kNameBytes> name;  ///< Control characters are replaced by '?'.
    std::int32_t host_pid = 0;
    std::int32_t supervisor_pid = 0;
    std::int64_t age_ms = 0;     ///< Since it was made.
    std::int64_t looked_ms = 0;  ///< How old the rest is. Where nothing happens, it stays true.
    PoolStats stats;
    std::size_t workers_listed = 0;
};

/// Looks at an announced pool of this user, in whatever program, as often as it likes; the pool
/// does not notice. It is a name, no more: copy it as you like.
///
/// Memory: none. Fork: the same in the child.
/// Crash:  a look that is killed leaves nothing, and changes nothing.
/// Hostile content of the shared object, which another process of this user may write, can make a
///         report wrong, and nothing else. (One that truncates it in the moment of the look causes
///         SIGBUS: no check can prevent that.)
/// Callers: any thread. Not a signal handler.
class PoolView {
public:
    /// The pools of this user (that is, its effective user id) that live, up to `room` of them; how
    /// many there are. Removes what dead ones have left.
    /// Errors: unsupported (this system does not list shared objects), not_permitted,
    /// too_many_files.
    static Result<std::size_t> list(PoolView* list, std::size_t room) noexcept;
    /// That of the shared object `name`, "/brood-pool-PID-N". Errors: the name_* ones,
    /// bad_argument (no name of a pool), and those of read().
    static Result<PoolView> open(const char* name) noexcept;

    PoolView() noexcept = default;

    /// What the pool says, and what each of its workers does: up to `room` of them.
    /// Returns: not_found (it has ended); not_permitted (it is not this user's alone); not_ready
    ///          (it is being made, or its supervisor was stopped while it wrote); corrupt,
    ///          version_mismatch; too_many_files, no_memory. Waits up to 100 ms for a supervisor
    ///          that writes.
    Result<PoolReport> read(WorkerStats* workers = nullptr, std::size_t room = 0) const noexcept;
    /// The name of the shared object; "" of none.
    const char* object() const noexcept { return object_.c_str(); }

private:
    Text<64> object_;
};

}  // namespace v0
}  // namespace brood

#endif
