// DictHandle: a dictionary of bytes in a manager. Dict<K, V> and Namespace are its shells.
#ifndef BROOD_DETAIL_DICT_HANDLE_HPP
#define BROOD_DETAIL_DICT_HANDLE_HPP

#include <brood/detail/managed.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// What is to become of a value.
struct DictChange {
    enum class What : std::uint8_t { leave, put, erase };
    What what = What::leave;
    const void* value = nullptr;  // to put
    std::size_t bytes = 0;
};

/// Decides it, and is told what there is: null, there is none. Called with the dictionary's lock
/// held: it may read and change anything but that. What is to be put must last until it returned
/// to change().
using DictDecide = DictChange (*)(void* context, const void* value, std::size_t bytes);

/// All that a dictionary holds at one moment, in memory of this process alone.
class DictCopy {
public:
    DictCopy() noexcept = default;
    DictCopy(DictCopy&& other) noexcept;
    DictCopy& operator=(DictCopy&& other) noexcept;
    ~DictCopy() noexcept;

    std::size_t count() const noexcept { return count_; }

    /// One after the other, each as key bytes, value bytes, key and value, rounded up to 4.
    struct Item {
        const void* key;
        std::size_t key_bytes;
        const void* value;
        std::size_t value_bytes;
    };
    static Item item_at(const unsigned char* at) noexcept;
    const unsigned char* begin() const noexcept { return memory_; }
    const unsigned char* end() const noexcept { return memory_ + used_; }
    static const unsigned char* after(const unsigned char* at) noexcept;

private:
    friend struct DictHandle;
    unsigned char* memory_ = nullptr;
    std::size_t bytes_ = 0, used_ = 0, count_ = 0;
};

/// `type` is that of the shell: an object of another is refused as type_mismatch.
struct DictHandle : ManagedHandle {
    Status change(const ObjectType& type, const void* key, std::size_t key_bytes, DictDecide decide,
                  void* context, Timeout timeout) const noexcept;
    Status set(const ObjectType& type, const void* key, std::size_t key_bytes, const void* value,
               std::size_t bytes, Timeout timeout) const noexcept;
    /// How many bytes it has; buffer_too_short (detail: as many).
    Result<std::size_t> get(const ObjectType& type, const void* key, std::size_t key_bytes,
                            void* value, std::size_t room, Timeout timeout) const noexcept;
    /// Takes the newest item out, if it fits: how many bytes key and value have.
    Status pop_newest(const ObjectType& type, void* key, std::size_t& key_bytes, void* value,
                      std::size_t& bytes, Timeout timeout) const noexcept;
    Result<std::size_t> count(const ObjectType& type, Timeout timeout) const noexcept;
    Status clear(const ObjectType& type, Timeout timeout) const noexcept;
    Result<DictCopy> copy(const ObjectType& type, Timeout timeout) const noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
