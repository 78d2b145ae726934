// Guard: something held for a scope, given back at its end.
#ifndef BROOD_DETAIL_GUARD_HPP
#define BROOD_DETAIL_GUARD_HPP

#include <brood/result.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// A held `L` (Lock, RLock, Condition, Semaphore), released at the end of the scope; says how it
/// was got.
template <class L>
class [[nodiscard]] Guard {
public:
    Guard(Guard&& other) noexcept : held_(other.held_), status_(other.status_) {
        other.held_ = nullptr;
    }
    Guard& operator=(Guard&&) = delete;
    ~Guard() noexcept { release().ignore(); }

    /// True if it is held, also after the death of the former holder.
    explicit operator bool() const noexcept { return held_ != nullptr; }
    bool timed_out() const noexcept { return status_.code() == Errc::timed_out; }
    /// Held, but the former holder was killed inside: what the lock guards may be half changed.
    /// Never of a semaphore.
    bool owner_died() const noexcept { return status_.code() == Errc::owner_died; }
    /// ok; owner_died (held); or why it is not held: see take() of what it guards.
    Status status() const noexcept { return status_; }
    /// Panics unless it is held; owner_died counts as held.
    void expect(const char* doing) const noexcept {
        if (held_ == nullptr) { status_.expect(doing); }
    }
    /// Releases it now. ok, too, when it is not held.
    Status release() noexcept {
        L* const held = held_;
        held_ = nullptr;
        return held == nullptr ? Status(Errc::ok) : held->release();
    }
    /// Leaves it held beyond the scope: release() of what it guards ends that.
    void keep() noexcept { held_ = nullptr; }

private:
    friend L;
    Guard(L* lock, Status status) noexcept
        : held_(is_held(status) ? lock : nullptr), status_(status) {}
    L* held_;
    Status status_;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
