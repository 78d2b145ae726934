// List<T>: a list that several processes share, as multiprocessing.Manager().list().
#ifndef BROOD_LIST_HPP
#define BROOD_LIST_HPP

#include <type_traits>
#include <utility>

#include <brood/detail/list_element.hpp>
#include <brood/detail/list_handle.hpp>

namespace brood {
inline namespace v0 {

template <class T>
class ListItems;

/// What List<T> and RemoteList<T> do, by a core: detail::ListHandle, detail::RemoteListCore.
///
/// Elements: trivially copyable types, Text<N> and Bytes<N>, of which only as many bytes are stored
///         as they have, and handles of objects of the same manager.
/// Indices: as in Python, those below zero count from the end.
/// Every call may say: closed (the list was dropped), wrong_process (this process has not its
/// manager), type_mismatch (a handle of something else), timed_out, would_deadlock (out of a
/// function that was given to the same list), corrupt.
template <class T, class Core>
class BasicList : public Core {
    using Value = detail::Element<T>;

public:
    using value_type = T;
    static constexpr detail::ObjectType kType = {detail::ObjectKind::list, {Value::type(), 0}};
    /// For slices: the end, whatever the size is; downwards, the begin.
    static constexpr std::ptrdiff_t kEnd = PTRDIFF_MAX, kBegin = PTRDIFF_MIN;

    BasicList() noexcept = default;
    explicit BasicList(const Core& core) noexcept : Core(core) {}

    /// l.append(value). Also says: no_space, no_memory (nothing has changed); closed (`value` is
    /// the handle of an object that is gone, or of another manager).
    Status append(const T& value, Timeout timeout = Timeout::forever()) const noexcept {
        return put(kEnd, &value, 1, timeout);
    }
    /// l.extend(...): all `count` at once, for whoever looks. Also says: as append(); full (of many
    /// elements: no object is left to gather them in), too_many_members; bad_argument (null).
    Status extend(const T* values, std::size_t count,
                  Timeout timeout = Timeout::forever()) const noexcept {
        if (values == nullptr && count != 0) { return Errc::bad_argument; }
        return put(kEnd, values, count, timeout);
    }
    /// l.insert(index, value): before that element; beyond an end: there. Also says: as append().
    Status insert(std::ptrdiff_t index, const T& value,
                  Timeout timeout = Timeout::forever()) const noexcept {
        return put(index, &value, 1, timeout);
    }
    /// l[index]. Also says: out_of_range; buffer_too_short (longer than a T).
    Result<T> get(std::ptrdiff_t index, Timeout timeout = Timeout::forever()) const noexcept {
        return detail::element_filled_by<T>([&](void* buffer, std::size_t room) {
            return Core::get(kType, index, buffer, room, timeout);
        });
    }
    /// l[index] = value. Also says: out_of_range; as append().
    Status set(std::ptrdiff_t index, const T& value,
               Timeout timeout = Timeout::forever()) const noexcept {
        return Core::set(kType, index, bytes_of(value), timeout);
    }
    /// l.pop(index): takes it out. Also says: out_of_range; buffer_too_short (it stays); no_space,
    /// no_memory (more than 64 would have to move: it stays).
    Result<T> pop(std::ptrdiff_t index = -1, Timeout timeout = Timeout::forever()) const noexcept {
        return detail::element_filled_by<T>([&](void* buffer, std::size_t room) {
            return Core::take(kType, index, buffer, room, timeout);
        });
    }
    /// l[index] = f(l[index]) as one step, which Python needs a lock for: calls f(T&).
    /// Also says: out_of_range; buffer_too_short; as append().
    /// Killed here: it is as it was, or as f made it. f must not use this list; others wait until
    /// it has returned.
    template <class F>
    Status update(std::ptrdiff_t index, F&& f,
                  Timeout timeout = Timeout::forever()) const noexcept {
        static_assert(std::is_invocable_v<F&, T&>, "update() calls f(T&)");
        Updated<F> updated{f};
        // Where a core has to keep what there was.
        typename Core::template Former<Value::room()> former;
        const Status done =
            Core::change(kType, index, &Updated<F>::decide, &updated, former, timeout);
        return done.ok() ? updated.status : done;
    }

    /// The index of the first that equals `value`. Also says: not_found.
    Result<std::size_t> index(const T& value, Timeout timeout = Timeout::forever()) const noexcept {
        return find(detail::ListSearch::index, value, timeout);
    }
    /// value in l
    Result<bool> contains(const T& value, Timeout timeout = Timeout::forever()) const noexcept {
        const Result<std::size_t> found = find(detail::ListSearch::index, value, timeout);
        if (!found.ok() && found.error() != Errc::not_found) { return found.error(); }
        return found.ok();
    }
    /// How many equal `value`.
    Result<std::size_t> count(const T& value, Timeout timeout = Timeout::forever()) const noexcept {
        return find(detail::ListSearch::count, value, timeout);
    }
    /// Takes out the first that equals `value`. Also says: not_found; as pop().
    Status remove(const T& value, Timeout timeout = Timeout::forever()) const noexcept {
        return find(detail::ListSearch::remove, value, timeout).status();
    }

    /// len(l)
    Result<std::size_t> size(Timeout timeout = Timeout::forever()) const noexcept {
        return Core::count(kType, timeout);
    }
    /// Also says: full (of many: no object is left to gather them in; nothing has changed).
    Status clear(Timeout timeout = Timeout::forever()) const noexcept {
        return Core::erase(kType, kBegin, kEnd, timeout);
    }
    /// del l[from:to]. Also says: no_space, no_memory, full (nothing has changed).
    Status erase(std::ptrdiff_t from, std::ptrdiff_t to,
                 Timeout timeout = Timeout::forever()) const noexcept {
        return Core::erase(kType, from, to, timeout);
    }
    /// Also says: no_space, no_memory (nothing has changed).
    Status reverse(Timeout timeout = Timeout::forever()) const noexcept {
        return Core::reverse(kType, timeout);
    }
    /// l[from:to:step], as it is at one moment. A copy: it takes memory of this process, and does
    /// not follow what others change. Also says: bad_argument (step is 0); no_memory.
    Result<ListItems<T>> slice(std::ptrdiff_t from, std::ptrdiff_t to = kEnd,
                               std::ptrdiff_t step = 1,
                               Timeout timeout = Timeout::forever()) const noexcept {
        Result<detail::ListCopy> copy = Core::copy(kType, {from, to, step}, timeout);
        if (!copy.ok()) { return copy.error(); }
        return ListItems<T>(std::move(*copy));
    }
    /// l[:], for `for (const T& element : items)`.
    Result<ListItems<T>> items(Timeout timeout = Timeout::forever()) const noexcept {
        return slice(0, kEnd, 1, timeout);
    }

private:
    static detail::ListBytes bytes_of(const T& value) noexcept {
        return {Value::data(value), Value::size(value)};
    }
    Status put(std::ptrdiff_t index, const T* values, std::size_t count,
               Timeout timeout) const noexcept {
        const auto at = [](const void* elements, std::size_t i) noexcept {
            return bytes_of(static_cast<const T*>(elements)[i]);
        };
        return Core::insert(kType, index, {at, values, 0, count}, timeout);
    }
    Result<std::size_t> find(detail::ListSearch what, const T& value,
                             Timeout timeout) const noexcept {
        static_assert(detail::has_plain_bytes<T>,
                      "elements are compared by their bytes, so they may have no padding and no "
                      "floating point: use integers, Text<N>, Bytes<N> or a packed struct");
        return Core::search(kType, what, bytes_of(value), timeout);
    }
    template <class F>
    struct Updated {
        explicit Updated(F& function) noexcept : f(function) {}
        F& f;
        Status status;
        T value = T();
        static detail::DictChange decide(void* context, const void* found,
                                         std::size_t bytes) noexcept {
            auto& self = *static_cast<Updated*>(context);
            self.status = detail::read_element(self.value, {found, bytes});
            if (!self.status.ok()) { return {}; }
            self.f(self.value);
            return {detail::DictChange::What::put, Value::data(self.value),
                    Value::size(self.value)};
        }
    };
};

/// A list in a Manager. This is its handle: it may be copied, sent, put into other objects of the
/// manager; each copy names the same list.
///
/// Memory: of each element 4 bytes and its own, rounded up to 16, and 4 to 16 in an array, in the
///         manager. No heap. sort(), reverse() and copies take memory of this process meanwhile.
/// Time:   of append(), get(), set() and pop() at either end it does not depend on the size; what
///         moves elements takes that of a copy of 4 bytes for each.
/// Crash:  each call happens whole or not at all, whoever is killed at whatever instruction. No
///         other process is held up by a death.
/// Waits:  one process at a time is at work on a list; one who is stopped (SIGSTOP) in the midst of
///         it is waited for, until the timeout.
/// Callers: any process that has the manager, any thread. Not a signal handler.
template <class T>
class List : public BasicList<T, detail::ListHandle> {
    using Base = BasicList<T, detail::ListHandle>;

public:
    List() noexcept = default;
    explicit List(const detail::ManagedHandle& handle) noexcept
        : Base(detail::ListHandle{handle}) {}

    /// Sorts it, and leaves equal ones in their order; less(a, b): a comes before b. It must not
    /// use this list; others wait meanwhile. Also says: no_space, no_memory (nothing has changed).
    /// Killed here: it is as it was, or sorted.
    template <class Less>
    Status sort(Less&& less, Timeout timeout = Timeout::forever()) const noexcept {
        static_assert(std::is_invocable_r_v<bool, Less&, const T&, const T&>,
                      "sort() calls less(const T&, const T&)");
        using Function = std::remove_reference_t<Less>;
        const auto is_less = [](void* context, const detail::ListBytes& a,
                                const detail::ListBytes& b) -> bool {
            return (*static_cast<Function*>(context))(detail::element_of<T>(a),
                                                      detail::element_of<T>(b));
        };
        auto* const context = const_cast<std::remove_const_t<Function>*>(&less);
        return detail::ListHandle::sort(Base::kType, {is_less, context}, timeout);
    }
    /// By <; text and bytes as memcmp() has them.
    Status sort() const noexcept { return sort(detail::ElementLess<T>()); }
};

/// What List::slice() and items() give: a copy, to be walked over or indexed.
template <class T>
class ListItems : public detail::ListCopy {
public:
    class Iterator {
    public:
        Iterator(const ListItems& items, std::size_t at) noexcept : items_(&items), at_(at) {}
        T operator*() const noexcept { return (*items_)[at_]; }
        Iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        bool operator!=(const Iterator& other) const noexcept { return at_ != other.at_; }

    private:
        const ListItems* items_;
        std::size_t at_;
    };

    explicit ListItems(detail::ListCopy&& copy) noexcept : detail::ListCopy(std::move(copy)) {}
    std::size_t size() const noexcept { return count(); }
    /// `index` < size().
    T operator[](std::size_t index) const noexcept { return detail::element_of<T>(at(index)); }
    Iterator begin() const noexcept { return Iterator(*this, 0); }
    Iterator end() const noexcept { return Iterator(*this, count()); }
};

}  // namespace v0
}  // namespace brood

#endif
