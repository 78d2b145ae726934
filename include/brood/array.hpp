// Array<T>: elements that several processes see.
#ifndef BROOD_ARRAY_HPP
#define BROOD_ARRAY_HPP

#include <cstddef>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include <brood/detail/segment.hpp>
#include <brood/detail/shell_access.hpp>

namespace brood {
inline namespace v0 {

/// A part of an array: begin, end, []. Does not own what it shows.
template <class T>
class Slice {
public:
    Slice(T* first, std::size_t count) noexcept : first_(first), count_(count) {}
    T* begin() const noexcept { return first_; }
    T* end() const noexcept { return first_ + count_; }
    std::size_t size() const noexcept { return count_; }
    T& operator[](std::size_t index) const noexcept { return first_[index]; }

private:
    T* first_;
    std::size_t count_;
};

/// Elements of type T in shared memory, with a lock beside them, as multiprocessing.Array.
///
/// Memory: 128 bytes and the elements, rounded up to pages, allocated when made: a full file
///         system is no_space there and never SIGBUS later.
/// Fork:   make it before fork(); children share it. Names: as SharedMemory.
/// Crash:  a process killed while it changes elements leaves them half changed; with_lock() of the
///         next then says owner_died.
/// Callers: any process, any thread. Only the element access in a signal handler.
template <class T>
class Array {
    static_assert(std::is_trivially_copyable_v<T>,
                  "shared elements must be trivially copyable and hold no pointers: use Text<N>, "
                  "Bytes<N>, an index into another Array, or a struct of plain fields");
    static_assert(alignof(T) <= 64, "elements in shared memory are aligned to at most 64 bytes");

public:
    using value_type = T;

    /// `count` zeroed elements. Errors: size_zero, size_too_large, no_memory, no_space.
    static Result<Array> create(std::size_t count) noexcept {
        return wrap(detail::Segment::anonymous(type(count)));
    }
    static Result<Array> create(std::initializer_list<T> elements) noexcept {
        Result<Array> made = create(elements.size());
        if (made.ok()) { made->copy_in(elements.begin(), elements.size()); }
        return made;
    }
    /// From a C string, without its NUL: `Array<char>::create_text("kjk")`.
    static Result<Array> create_text(const char* text) noexcept {
        static_assert(sizeof(T) == 1, "text is for Array<char>");
        if (text == nullptr) { return Errc::bad_argument; }
        std::size_t length = 0;
        while (text[length] != '\0') { ++length; }
        Result<Array> made = create(length);
        if (made.ok()) { __builtin_memcpy(made->begin(), text, length); }
        return made;
    }
    /// A named one. Errors: also already_exists, not_permitted, the name_* ones.
    static Result<Array> create_named(const char* name, std::size_t count,
                                      Access access = Access::owner) noexcept {
        return wrap(detail::Segment::create(name, type(count), access));
    }
    /// Errors: not_found, not_ready, type_mismatch, version_mismatch, layout_mismatch, corrupt,
    /// not_permitted, the name_* ones.
    static Result<Array> open(const char* name, Timeout timeout = seconds(1)) noexcept {
        return wrap(detail::Segment::open(name, type(0), timeout));
    }

    /// As many elements as there are in a segment that has neither header nor lock: one that
    /// Python's SharedMemory has made, or SharedMemory::create(). It is then this array's.
    ///     Array<double>::attach(SharedMemory::open("/from_python").expect("opening"))
    /// lock() of it says closed: who shares it agrees with others in another way.
    /// The other way round, NumPy sees the elements of a named Array from byte 128 on:
    ///     numpy.frombuffer(SharedMemory(name="squares").buf, "i4", offset=128, count=...)
    /// Errors: size_zero (less than one element), closed (no memory).
    static Result<Array> attach(SharedMemory&& memory) noexcept {
        return wrap(detail::Segment::bare(std::move(memory), sizeof(T)));
    }

    Array() noexcept = default;

    T* begin() noexcept { return static_cast<T*>(segment_.elements()); }
    T* end() noexcept { return begin() + size(); }
    const T* begin() const noexcept { return static_cast<const T*>(segment_.elements()); }
    const T* end() const noexcept { return begin() + size(); }
    T* data() noexcept { return begin(); }
    std::size_t size() const noexcept { return segment_.count(); }

    /// Unchecked; at() is checked. Errors of at(): out_of_range (detail: the index).
    T& operator[](std::size_t index) noexcept { return begin()[index]; }
    const T& operator[](std::size_t index) const noexcept { return begin()[index]; }
    Result<T*> at(std::size_t index) noexcept {
        if (index >= size()) {
            return Error(Errc::out_of_range, 0, static_cast<std::int64_t>(index));
        }
        return begin() + index;
    }
    /// Elements first .. first + count - 1. Errors: out_of_range.
    Result<Slice<T>> slice(std::size_t first, std::size_t count) noexcept {
        if (first > size() || count > size() - first) {
            return Error(Errc::out_of_range, 0, static_cast<std::int64_t>(first));
        }
        return Slice<T>(begin() + first, count);
    }

    /// The lock beside them (Python: get_lock()).
    Lock& lock() noexcept { return segment_.lock(); }
    /// Calls f(*this) with the lock held. Returns: as Locked::status(): ok and owner_died mean
    /// that f was called.
    template <class F>
    Status with_lock(F&& f, Timeout timeout = Timeout::forever()) noexcept {
        const Locked hold = lock().acquire(timeout);
        if (hold) { f(*this); }
        return hold.status();
    }

    const char* name() const noexcept { return segment_.name(); }
    void keep_name() noexcept { segment_.keep_name(); }

private:
    friend struct detail::ShellAccess;
    static constexpr detail::SegmentType type(std::size_t count) noexcept {
        return {detail::SegmentKind::array, sizeof(T), count};
    }
    explicit Array(detail::Segment&& segment) noexcept : segment_(std::move(segment)) {}
    static Result<Array> wrap(Result<detail::Segment> segment) noexcept {
        if (!segment.ok()) { return segment.error(); }
        return Array(std::move(*segment));
    }
    void copy_in(const T* from, std::size_t count) noexcept {
        __builtin_memcpy(static_cast<void*>(begin()), from, count * sizeof(T));
    }
    detail::Segment segment_;
};

}  // namespace v0
}  // namespace brood

#endif
