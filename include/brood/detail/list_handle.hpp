// ListHandle: a list of bytes in a manager. List<T> is its shell.
#ifndef BROOD_DETAIL_LIST_HANDLE_HPP
#define BROOD_DETAIL_LIST_HANDLE_HPP

#include <brood/detail/dict_handle.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

struct ListBytes {
    const void* data = nullptr;
    std::size_t bytes = 0;
};

/// Elements to be put into a list: `at` tells where the bytes of each are.
struct ListSource {
    ListBytes (*at)(const void* elements, std::size_t index) noexcept;
    const void* elements;
    std::size_t first, count;
};

/// Whether the first comes before the second. Called with the list's lock held: it may not use it.
struct ListOrder {
    bool (*is_less)(void* context, const ListBytes& a, const ListBytes& b);
    void* context;
};

/// What to do with elements that equal some bytes.
enum class ListSearch : std::uint8_t { index, count, remove };

/// Which elements, as a slice of Python says.
struct ListSlice {
    std::ptrdiff_t from, to, step;
};

/// Elements as they were at one moment, in memory of this process alone.
class ListCopy {
public:
    ListCopy() noexcept = default;
    ListCopy(ListCopy&& other) noexcept;
    ListCopy& operator=(ListCopy&& other) noexcept;
    ~ListCopy() noexcept;

    std::size_t count() const noexcept { return count_; }
    /// Of all elements together.
    std::size_t bytes() const noexcept { return bytes_ - count_ * sizeof(std::size_t); }
    /// `index` < count().
    ListBytes at(std::size_t index) const noexcept;

private:
    friend struct ListHandle;
    friend struct RemoteListCore;
    unsigned char* memory_ = nullptr;  // where each ends, then their bytes
    std::size_t bytes_ = 0, count_ = 0;
};

/// `type` is that of the shell: an object of another is refused as type_mismatch. Indices below
/// zero count from the end.
struct ListHandle : ManagedHandle {
    template <std::size_t kBytes>
    struct Former {};
    template <std::size_t kBytes>
    Status change(const ObjectType& type, std::ptrdiff_t index, DictDecide decide, void* context,
                  Former<kBytes>&, Timeout timeout) const noexcept {
        return change(type, index, decide, context, timeout);
    }
    /// Before the element of that index, or at the nearest end, all in one step.
    Status insert(const ObjectType& type, std::ptrdiff_t index, const ListSource& source,
                  Timeout timeout) const noexcept;
    /// How many bytes it has; buffer_too_short (detail: as many).
    Result<std::size_t> get(const ObjectType& type, std::ptrdiff_t index, void* value,
                            std::size_t room, Timeout timeout) const noexcept;
    Status set(const ObjectType& type, std::ptrdiff_t index, const ListBytes& value,
               Timeout timeout) const noexcept;
    /// As get(), and takes it out if it fits.
    Result<std::size_t> take(const ObjectType& type, std::ptrdiff_t index, void* value,
                             std::size_t room, Timeout timeout) const noexcept;
    Status change(const ObjectType& type, std::ptrdiff_t index, DictDecide decide, void* context,
                  Timeout timeout) const noexcept;
    /// The index of the first, or how many there are. Errors: not_found (but for a count).
    Result<std::size_t> search(const ObjectType& type, ListSearch what, const ListBytes& value,
                               Timeout timeout) const noexcept;
    Result<std::size_t> count(const ObjectType& type, Timeout timeout) const noexcept;
    Status erase(const ObjectType& type, std::ptrdiff_t from, std::ptrdiff_t to,
                 Timeout timeout) const noexcept;
    Status reverse(const ObjectType& type, Timeout timeout) const noexcept;
    Status sort(const ObjectType& type, const ListOrder& order, Timeout timeout) const noexcept;
    Result<ListCopy> copy(const ObjectType& type, const ListSlice& slice,
                          Timeout timeout) const noexcept;

private:
    Status insert_few(const ObjectType& type, std::ptrdiff_t index, const ListSource& source,
                      std::int64_t deadline_ns) const noexcept;
    Status insert_many(const ObjectType& type, std::ptrdiff_t index, const ListSource& source,
                       std::int64_t deadline_ns) const noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
