// Value<T>: one value that several processes see.
#ifndef BROOD_VALUE_HPP
#define BROOD_VALUE_HPP

#include <type_traits>
#include <utility>

#include <brood/detail/segment.hpp>
#include <brood/detail/shell_access.hpp>

namespace brood {
inline namespace v0 {

/// A value of type T in shared memory, with a lock beside it, as multiprocessing.Value in Python.
///
/// Memory: one page (or as many as T needs), allocated when made; zeroed or set to `initial`.
/// Fork:   make it before fork(); children share it. Names: as SharedMemory.
/// Crash:  a process killed while it changes the value leaves it half changed; with_lock() of the
///         next then says owner_died. fetch_add() is one step and never half done.
/// Callers: any process, any thread. Not a signal handler, but value(), load(), store() and
///         fetch_add() may be called there.
template <class T>
class Value {
    static_assert(std::is_trivially_copyable_v<T>,
                  "a shared value must be trivially copyable and hold no pointers: use Text<N>, "
                  "Bytes<N>, an index into an Array, or a struct of plain fields");
    static_assert(alignof(T) <= 64, "elements in shared memory are aligned to at most 64 bytes");

public:
    using value_type = T;

    /// Errors: no_memory, no_space, too_many_files.
    static Result<Value> create(const T& initial = T()) noexcept {
        Result<detail::Segment> segment = detail::Segment::anonymous(kType);
        if (!segment.ok()) { return segment.error(); }
        Value made(std::move(*segment));
        made.value() = initial;
        return made;
    }
    /// A named one. Errors: also already_exists, not_permitted, the name_* ones.
    static Result<Value> create_named(const char* name, const T& initial = T(),
                                      Access access = Access::owner) noexcept {
        return wrap(detail::Segment::create(name, kType, access, &initial));
    }
    /// Errors: not_found, not_ready, type_mismatch, version_mismatch, layout_mismatch, corrupt,
    /// not_permitted, the name_* ones.
    static Result<Value> open(const char* name, Timeout timeout = seconds(1)) noexcept {
        return wrap(detail::Segment::open(name, kType, timeout));
    }

    Value() noexcept = default;

    /// The value itself, without any lock (Python: RawValue).
    T& value() noexcept { return *static_cast<T*>(segment_.elements()); }
    const T& value() const noexcept { return *static_cast<const T*>(segment_.elements()); }
    /// A member of a struct, as value().member.
    T* operator->() noexcept { return &value(); }
    const T* operator->() const noexcept { return &value(); }

    /// The lock beside it (Python: get_lock()).
    Lock& lock() noexcept { return segment_.lock(); }
    /// Calls f(value) with the lock held. Returns: as Locked::status(): ok and owner_died mean
    /// that f was called.
    template <class F>
    Status with_lock(F&& f, Timeout timeout = Timeout::forever()) noexcept {
        const Locked hold = lock().acquire(timeout);
        if (hold) { f(value()); }
        return hold.status();
    }

    /// One indivisible step each, without the lock. Integers and pointers-free scalars only.
    T load() const noexcept {
        static_assert(std::is_scalar_v<T>, "use with_lock() for structs");
        return __atomic_load_n(static_cast<const T*>(segment_.elements()), __ATOMIC_SEQ_CST);
    }
    void store(T desired) noexcept {
        static_assert(std::is_scalar_v<T>, "use with_lock() for structs");
        __atomic_store_n(static_cast<T*>(segment_.elements()), desired, __ATOMIC_SEQ_CST);
    }
    T fetch_add(T amount) noexcept {
        static_assert(std::is_integral_v<T> && sizeof(T) <= sizeof(long),
                      "fetch_add() is for integers of at most a machine word: use with_lock()");
        return __atomic_fetch_add(static_cast<T*>(segment_.elements()), amount, __ATOMIC_SEQ_CST);
    }

    const char* name() const noexcept { return segment_.name(); }
    void keep_name() noexcept { segment_.keep_name(); }

private:
    friend struct detail::ShellAccess;
    static constexpr detail::SegmentType kType = {detail::SegmentKind::value, sizeof(T), 1};

    explicit Value(detail::Segment&& segment) noexcept : segment_(std::move(segment)) {}
    static Result<Value> wrap(Result<detail::Segment> segment) noexcept {
        if (!segment.ok()) { return segment.error(); }
        return Value(std::move(*segment));
    }
    detail::Segment segment_;
};

}  // namespace v0
}  // namespace brood

#endif
