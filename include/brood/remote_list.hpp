// RemoteList<T>: the proxy of a List<T> in a manager elsewhere.
#ifndef BROOD_REMOTE_LIST_HPP
#define BROOD_REMOTE_LIST_HPP

#include <brood/detail/remote.hpp>
#include <brood/list.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// A list of bytes elsewhere.
struct RemoteListCore : RemoteObject {
    Status insert(const ObjectType& type, std::ptrdiff_t index, const ListSource& source,
                  Timeout timeout) const noexcept;
    Status set(const ObjectType& type, std::ptrdiff_t index, const RemoteBytes& value,
               Timeout timeout) const noexcept;
    Status change(const ObjectType& type, std::ptrdiff_t index, DictDecide decide, void* context,
                  void* former, std::size_t room, Timeout timeout) const noexcept;
    Result<std::size_t> search(const ObjectType& type, ListSearch what, const RemoteBytes& value,
                               Timeout timeout) const noexcept;
    /// Of list_get and list_pop.
    Result<std::size_t> fetch(WireOp op, const ObjectType& type, std::ptrdiff_t index, void* value,
                              std::size_t room, Timeout timeout) const noexcept;
    Result<std::size_t> count(const ObjectType& type, Timeout timeout) const noexcept;
    Status simply(WireOp op, const ObjectType& type, std::ptrdiff_t a, std::ptrdiff_t b,
                  Timeout timeout) const noexcept;
    Result<ListCopy> copy(const ObjectType& type, const ListSlice& slice,
                          Timeout timeout) const noexcept;
};

}  // namespace detail

/// The methods of List<T>, done by the server's process for this client; but sort() is by < alone,
/// and extend() takes no more elements than fit into a message (message_too_long). update() puts
/// what f makes only if the element is still the one that f saw, and calls f again otherwise.
///
/// Memory: 16 bytes; of slice() and items() a copy in this process.
/// Each call also says what RemoteManager has.
template <class T>
class RemoteList : public detail::RemoteListCore {
    using Core = detail::RemoteListCore;
    using Element = detail::Element<T>;
    using Op = detail::WireOp;

public:
    using value_type = T;
    static constexpr detail::ObjectType kType = List<T>::kType;
    static constexpr std::ptrdiff_t kEnd = List<T>::kEnd, kBegin = List<T>::kBegin;

    RemoteList() noexcept = default;
    explicit RemoteList(const detail::RemoteObject& object) noexcept : Core{object} {}
    List<T> handle() const noexcept { return List<T>(managed()); }

    Status append(const T& value, Timeout timeout = Timeout::forever()) const noexcept {
        return put(kEnd, &value, 1, timeout);
    }
    Status extend(const T* values, std::size_t count,
                  Timeout timeout = Timeout::forever()) const noexcept {
        return put(kEnd, values, count, timeout);
    }
    Status insert(std::ptrdiff_t index, const T& value,
                  Timeout timeout = Timeout::forever()) const noexcept {
        return put(index, &value, 1, timeout);
    }
    Result<T> get(std::ptrdiff_t index, Timeout timeout = Timeout::forever()) const noexcept {
        return detail::element_filled_by<T>([&](void* buffer, std::size_t room) {
            return fetch(Op::list_get, kType, index, buffer, room, timeout);
        });
    }
    Status set(std::ptrdiff_t index, const T& value,
               Timeout timeout = Timeout::forever()) const noexcept {
        return Core::set(kType, index, bytes_of(value), timeout);
    }
    Result<T> pop(std::ptrdiff_t index = -1, Timeout timeout = Timeout::forever()) const noexcept {
        return detail::element_filled_by<T>([&](void* buffer, std::size_t room) {
            return fetch(Op::list_pop, kType, index, buffer, room, timeout);
        });
    }
    template <class F>
    Status update(std::ptrdiff_t index, F&& f,
                  Timeout timeout = Timeout::forever()) const noexcept {
        static_assert(std::is_invocable_v<F&, T&>, "update() calls f(T&)");
        struct Updated {
            F& f;
            Status status;
            T value = T();
        } updated{f, {}};
        const auto decide = [](void* context, const void* found, std::size_t bytes) noexcept {
            Updated& self = *static_cast<Updated*>(context);
            self.status = detail::read_element(self.value, {found, bytes});
            if (!self.status.ok()) { return detail::DictChange(); }
            self.f(self.value);
            return detail::DictChange{detail::DictChange::What::put, Element::data(self.value),
                                      Element::size(self.value)};
        };
        unsigned char former[Element::room()];
        const Status done = change(kType, index, decide, &updated, former, sizeof former, timeout);
        return done.ok() ? updated.status : done;
    }

    Result<std::size_t> index(const T& value, Timeout timeout = Timeout::forever()) const noexcept {
        return find(detail::ListSearch::index, value, timeout);
    }
    Result<bool> contains(const T& value, Timeout timeout = Timeout::forever()) const noexcept {
        const Result<std::size_t> found = index(value, timeout);
        if (!found.ok() && found.error() != Errc::not_found) { return found.error(); }
        return found.ok();
    }
    Result<std::size_t> count(const T& value, Timeout timeout = Timeout::forever()) const noexcept {
        return find(detail::ListSearch::count, value, timeout);
    }
    Status remove(const T& value, Timeout timeout = Timeout::forever()) const noexcept {
        return find(detail::ListSearch::remove, value, timeout).status();
    }
    Result<std::size_t> size(Timeout timeout = Timeout::forever()) const noexcept {
        return Core::count(kType, timeout);
    }
    Status clear(Timeout timeout = Timeout::forever()) const noexcept {
        return erase(kBegin, kEnd, timeout);
    }
    Status erase(std::ptrdiff_t from, std::ptrdiff_t to,
                 Timeout timeout = Timeout::forever()) const noexcept {
        return simply(Op::list_erase, kType, from, to, timeout);
    }
    Status reverse(Timeout timeout = Timeout::forever()) const noexcept {
        return simply(Op::list_reverse, kType, 0, 0, timeout);
    }
    /// Also says: unsupported (elements that have no order).
    Status sort(Timeout timeout = Timeout::forever()) const noexcept {
        return simply(Op::list_sort, kType, 0, 0, timeout);
    }
    Result<ListItems<T>> slice(std::ptrdiff_t from, std::ptrdiff_t to = kEnd,
                               std::ptrdiff_t step = 1,
                               Timeout timeout = Timeout::forever()) const noexcept {
        Result<detail::ListCopy> copied = copy(kType, {from, to, step}, timeout);
        if (!copied.ok()) { return copied.error(); }
        return ListItems<T>(std::move(*copied));
    }
    Result<ListItems<T>> items(Timeout timeout = Timeout::forever()) const noexcept {
        return slice(0, kEnd, 1, timeout);
    }

private:
    static detail::RemoteBytes bytes_of(const T& value) noexcept {
        return {Element::data(value), Element::size(value)};
    }
    Status put(std::ptrdiff_t index, const T* values, std::size_t count,
               Timeout timeout) const noexcept {
        const auto at = [](const void* elements, std::size_t i) noexcept {
            const T& value = static_cast<const T*>(elements)[i];
            return detail::ListBytes{Element::data(value), Element::size(value)};
        };
        return Core::insert(kType, index, {at, values, 0, count}, timeout);
    }
    Result<std::size_t> find(detail::ListSearch what, const T& value,
                             Timeout timeout) const noexcept {
        static_assert(detail::has_plain_bytes<T>, "elements are compared by their bytes");
        return search(kType, what, bytes_of(value), timeout);
    }
};

}  // namespace v0
}  // namespace brood

#endif
