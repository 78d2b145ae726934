// RemoteDict<K, V>, RemoteNamespace: proxies of a Dict<K, V>, a Namespace in a manager elsewhere.
#ifndef BROOD_REMOTE_DICT_HPP
#define BROOD_REMOTE_DICT_HPP

#include <brood/detail/remote.hpp>
#include <brood/dict.hpp>
#include <brood/name_space.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// A dictionary of bytes elsewhere: a core as DictHandle is one.
struct RemoteDictCore : RemoteObject {
    /// What there was, which a change is compared with.
    template <std::size_t kBytes>
    struct Former {
        unsigned char bytes[kBytes];
    };
    template <std::size_t kBytes>
    Status change(const ObjectType& type, const void* key, std::size_t key_bytes, DictDecide decide,
                  void* context, Former<kBytes>& former, Timeout timeout) const noexcept {
        return change(type, {key, key_bytes}, decide, context, former.bytes, kBytes, timeout);
    }
    Status change(const ObjectType& type, const RemoteBytes& key, DictDecide decide, void* context,
                  void* former, std::size_t room, Timeout timeout) const noexcept;
    Status set(const ObjectType& type, const void* key, std::size_t key_bytes, const void* value,
               std::size_t bytes, Timeout timeout) const noexcept;
    Result<std::size_t> get(const ObjectType& type, const void* key, std::size_t key_bytes,
                            void* value, std::size_t room, Timeout timeout) const noexcept;
    Result<bool> has(const ObjectType& type, const void* key, std::size_t key_bytes,
                     Timeout timeout) const noexcept;
    Status erase_key(const ObjectType& type, const void* key, std::size_t key_bytes,
                     Timeout timeout) const noexcept;
    Result<std::size_t> take(const ObjectType& type, const void* key, std::size_t key_bytes,
                             void* value, std::size_t room, Timeout timeout) const noexcept;
    Status pop_newest(const ObjectType& type, void* key, std::size_t& key_bytes, void* value,
                      std::size_t& bytes, Timeout timeout) const noexcept;
    Result<std::size_t> count(const ObjectType& type, Timeout timeout) const noexcept;
    Status clear(const ObjectType& type, Timeout timeout) const noexcept;
    Result<DictCopy> copy(const ObjectType& type, Timeout timeout) const noexcept;
};

}  // namespace detail

/// The methods of Dict<K, V>, done by the server's process for this client. update() and
/// setdefault() put what they make only if the value is still the one that they saw, and look again
/// otherwise: so update() may call f several times, f may use anything, and nobody waits for a
/// client that stalls in it.
///
/// Memory: 16 bytes; of items() a copy in this process.
/// Each call also says what RemoteManager has.
template <class K, class V>
class RemoteDict : public BasicDict<K, V, detail::RemoteDictCore> {
    using Base = BasicDict<K, V, detail::RemoteDictCore>;

public:
    RemoteDict() noexcept = default;
    explicit RemoteDict(const detail::RemoteObject& object) noexcept
        : Base(detail::RemoteDictCore{object}) {}
    /// What it is to those who have the manager, and in containers.
    Dict<K, V> handle() const noexcept { return Dict<K, V>(this->managed()); }
};

/// The methods of Namespace, as RemoteDict has those of Dict; but where a value is longer than a T,
/// get<T>() and update<T>() say buffer_too_short, whatever its type.
class RemoteNamespace : public BasicNamespace<detail::RemoteDictCore> {
public:
    RemoteNamespace() noexcept = default;
    explicit RemoteNamespace(const detail::RemoteObject& object) noexcept
        : BasicNamespace(detail::RemoteDictCore{object}) {}
    Namespace handle() const noexcept { return Namespace(managed()); }
};

}  // namespace v0
}  // namespace brood

#endif
