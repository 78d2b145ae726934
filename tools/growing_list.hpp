// A list that grows, of what can be copied as bytes.
#ifndef BROOD_TOOLS_GROWING_LIST_HPP
#define BROOD_TOOLS_GROWING_LIST_HPP

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <type_traits>

namespace tool {

/// Where there is no memory left the program says so and ends.
template <class T>
class GrowingList {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    GrowingList() noexcept = default;
    ~GrowingList() { std::free(items_); }
    GrowingList(const GrowingList&) = delete;
    GrowingList& operator=(const GrowingList&) = delete;

    void add(const T& item) noexcept {
        if (count_ == room_) { grow(); }
        items_[count_++] = item;
    }
    void clear() noexcept { count_ = 0; }
    std::size_t size() const noexcept { return count_; }
    T& operator[](std::size_t index) noexcept { return items_[index]; }
    const T& operator[](std::size_t index) const noexcept { return items_[index]; }
    T* begin() noexcept { return items_; }
    T* end() noexcept { return items_ + count_; }
    const T* begin() const noexcept { return items_; }
    const T* end() const noexcept { return items_ + count_; }

private:
    void grow() noexcept {
        room_ = room_ == 0 ? 64 : 2 * room_;
        items_ = static_cast<T*>(std::realloc(items_, room_ * sizeof(T)));
        if (items_ != nullptr) { return; }
        std::fputs("brood: there is not enough memory\n", stderr);
        std::_Exit(1);
    }
    T* items_ = nullptr;
    std::size_t count_ = 0, room_ = 0;
};

}  // namespace tool

#endif
