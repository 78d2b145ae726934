// RemoteList<T>: the proxy of a List<T> in a manager elsewhere.
#ifndef BROOD_REMOTE_LIST_HPP
#define BROOD_REMOTE_LIST_HPP

#include <brood/detail/remote.hpp>
#include <brood/list.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// A list of bytes elsewhere: a core as ListHandle is one.
struct RemoteListCore : RemoteObject {
    /// What there was, which a change is compared with.
    template <std::size_t kBytes>
    struct Former {
        unsigned char bytes[kBytes];
    };
    template <std::size_t kBytes>
    Status change(const ObjectType& type, std::ptrdiff_t index, DictDecide decide, void* context,
                  Former<kBytes>& former, Timeout timeout) const noexcept {
        return change(type, index, decide, context, former.bytes, kBytes, timeout);
    }
    Status change(const ObjectType& type, std::ptrdiff_t index, DictDecide decide, void* context,
                  void* former, std::size_t room, Timeout timeout) const noexcept;
    Status insert(const ObjectType& type, std::ptrdiff_t index, const ListSource& source,
                  Timeout timeout) const noexcept;
    Result<std::size_t> get(const ObjectType& type, std::ptrdiff_t index, void* value,
                            std::size_t room, Timeout timeout) const noexcept;
    Status set(const ObjectType& type, std::ptrdiff_t index, const ListBytes& value,
               Timeout timeout) const noexcept;
    Result<std::size_t> take(const ObjectType& type, std::ptrdiff_t index, void* value,
                             std::size_t room, Timeout timeout) const noexcept;
    Result<std::size_t> search(const ObjectType& type, ListSearch what, const ListBytes& value,
                               Timeout timeout) const noexcept;
    Result<std::size_t> count(const ObjectType& type, Timeout timeout) const noexcept;
    Status erase(const ObjectType& type, std::ptrdiff_t from, std::ptrdiff_t to,
                 Timeout timeout) const noexcept;
    Status reverse(const ObjectType& type, Timeout timeout) const noexcept;
    Status sort(const ObjectType& type, Timeout timeout) const noexcept;
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
class RemoteList : public BasicList<T, detail::RemoteListCore> {
    using Base = BasicList<T, detail::RemoteListCore>;

public:
    RemoteList() noexcept = default;
    explicit RemoteList(const detail::RemoteObject& object) noexcept
        : Base(detail::RemoteListCore{object}) {}
    /// What it is to those who have the manager, and in containers.
    List<T> handle() const noexcept { return List<T>(this->managed()); }

    /// Also says: unsupported (elements that have no order).
    Status sort(Timeout timeout = Timeout::forever()) const noexcept {
        return detail::RemoteListCore::sort(Base::kType, timeout);
    }
};

}  // namespace v0
}  // namespace brood

#endif
