// A stack that grows, for the walk through a tree.
#ifndef BROOD_TOOLS_WALK_STACK_HPP
#define BROOD_TOOLS_WALK_STACK_HPP

#include <cstddef>
#include <cstdlib>
#include <type_traits>

namespace tool {

/// Elements in one block of memory, appended and cut off at the end. Appending moves the block:
/// refer to elements by index.
template <class T>
class WalkStack {
    static_assert(std::is_trivially_copyable_v<T>, "realloc() moves the elements");

public:
    WalkStack() noexcept = default;
    ~WalkStack() noexcept { std::free(elements_); }
    WalkStack(const WalkStack&) = delete;
    WalkStack& operator=(const WalkStack&) = delete;

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    T* data() noexcept { return elements_; }
    T& operator[](std::size_t index) noexcept { return elements_[index]; }
    T& top() noexcept { return elements_[size_ - 1]; }

    /// False if there is no memory; nothing was appended then.
    bool append(const T* from, std::size_t count) noexcept {
        if (size_ + count > capacity_ && !grow(size_ + count)) { return false; }
        if (count > 0) { __builtin_memcpy(elements_ + size_, from, count * sizeof(T)); }
        size_ += count;
        return true;
    }
    bool push(const T& element) noexcept { return append(&element, 1); }

    /// Drops all from index `size` on.
    void cut(std::size_t size) noexcept { size_ = size; }

private:
    bool grow(std::size_t needed) noexcept {
        const std::size_t capacity = needed < 64 ? 128 : needed * 2;
        void* const block = std::realloc(elements_, capacity * sizeof(T));
        if (block == nullptr) { return false; }
        elements_ = static_cast<T*>(block);
        capacity_ = capacity;
        return true;
    }

    T* elements_ = nullptr;
    std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace tool

#endif
