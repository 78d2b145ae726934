// Status and Result<T>: what a call returns that can fail. No exceptions, no heap.
#ifndef BROOD_RESULT_HPP
#define BROOD_RESULT_HPP

#include <new>
#include <type_traits>
#include <utility>

#include <brood/error.hpp>

namespace brood {
inline namespace v0 {

/// Success, or an Error. Ignoring one is a compiler warning.
/// Callers: anybody. Trivially copyable.
class [[nodiscard]] Status {
public:
    constexpr Status() noexcept : error_(Errc::ok) {}
    constexpr Status(Errc code) noexcept : error_(code) {}
    constexpr Status(const Error& error) noexcept : error_(error) {}

    constexpr bool ok() const noexcept { return error_.code() == Errc::ok; }
    constexpr explicit operator bool() const noexcept { return ok(); }
    constexpr const Error& error() const noexcept { return error_; }
    constexpr Errc code() const noexcept { return error_.code(); }

    /// Panics (see set_panic) unless ok. `doing`: "opening the ticket queue".
    void expect(const char* doing) const noexcept {
        if (!ok()) { panic(doing, error_); }
    }
    /// Says that failure is acceptable here.
    constexpr void ignore() const noexcept {}

private:
    Error error_;
};

namespace detail {
/// Of what taking a lock returned: whether the caller holds it. After a dead holder it does, too.
constexpr bool is_held(const Status& taken) noexcept {
    return taken.ok() || taken.code() == Errc::owner_died;
}

/// By value: an error whose address is given away is looked at again after every later call.
[[noreturn]] void panic_without_value(Error error) noexcept;
}  // namespace detail

/// A T, or an Error. Move-only when T is.
/// `*r` and `r->` need ok(); they panic otherwise.
template <class T>
class [[nodiscard]] Result {
    static_assert(!std::is_reference_v<T>, "return a pointer or a handle instead of a reference");

public:
    using value_type = T;

    Result(const T& value) noexcept : error_(Errc::ok) { ::new (place()) T(value); }
    Result(T&& value) noexcept : error_(Errc::ok) { ::new (place()) T(std::move(value)); }
    Result(Errc code) noexcept : error_(code) {}
    Result(const Error& error) noexcept : error_(error) {}

    Result(const Result& other) noexcept : error_(other.error_) {
        if (ok()) { ::new (place()) T(other.get()); }
    }
    Result(Result&& other) noexcept : error_(other.error_) {
        if (ok()) { ::new (place()) T(std::move(other.get())); }
    }
    /// What `fill` makes of the bytes of a T given to it: a T if it returns ok, else the error.
    /// The value comes to be where the caller wants it, not by copies.
    template <class Fill>
    static Result filled_by(Fill&& fill) noexcept {
        static_assert(std::is_trivially_copyable_v<T>, "only such a T may come to be as bytes");
        Result result{Errc::ok};
        result.error_ = fill(result.place()).error();
        return result;
    }
    Result& operator=(Result other) noexcept {
        destroy();
        error_ = other.error_;
        if (ok()) { ::new (place()) T(std::move(other.get())); }
        return *this;
    }
    ~Result() noexcept { destroy(); }

    bool ok() const noexcept { return error_.code() == Errc::ok; }
    explicit operator bool() const noexcept { return ok(); }
    const Error& error() const noexcept { return error_; }
    Errc code() const noexcept { return error_.code(); }
    Status status() const noexcept { return error_; }

    T& operator*() & noexcept { return checked(); }
    const T& operator*() const& noexcept { return const_cast<Result*>(this)->checked(); }
    T&& operator*() && noexcept { return std::move(checked()); }
    T* operator->() noexcept { return &checked(); }
    const T* operator->() const noexcept { return &const_cast<Result*>(this)->checked(); }

    /// The value; panics (see set_panic) if there is none. `doing`: "making the pool".
    T expect(const char* doing) && noexcept {
        if (!ok()) { panic(doing, error_); }
        return std::move(get());
    }
    T& expect(const char* doing) & noexcept {
        if (!ok()) { panic(doing, error_); }
        return get();
    }
    T value_or(T other) const noexcept { return ok() ? get() : other; }
    constexpr void ignore() const noexcept {}

private:
    void* place() noexcept { return static_cast<void*>(storage_); }
    T& get() noexcept { return *std::launder(reinterpret_cast<T*>(storage_)); }
    const T& get() const noexcept { return *std::launder(reinterpret_cast<const T*>(storage_)); }
    T& checked() noexcept {
        if (!ok()) { detail::panic_without_value(error_); }
        return get();
    }
    void destroy() noexcept {
        if constexpr (!std::is_trivially_destructible_v<T>) {
            if (ok()) { get().T::~T(); }
        }
    }

    Error error_;
    alignas(T) unsigned char storage_[sizeof(T)];
};

}  // namespace v0
}  // namespace brood

#endif
