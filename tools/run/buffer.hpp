// Buffer: bytes that grow at the end, on the heap.
#ifndef BROOD_TOOLS_RUN_BUFFER_HPP
#define BROOD_TOOLS_RUN_BUFFER_HPP

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace tool::run {

/// Memory stays until the end, for whoever comes next. Out of memory is the end of the program: a
/// runner that cannot remember what it runs is of no use, and its end takes the jobs with it.
template <class T>
class Buffer {
public:
    Buffer() noexcept = default;
    ~Buffer() { std::free(data_); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    void append(const T* from, std::size_t count) noexcept {
        if (count == 0) { return; }
        reserve(size_ + count);
        std::memcpy(data_ + size_, from, count * sizeof(T));
        size_ += count;
    }
    void add(T value) noexcept { append(&value, 1); }
    /// More of them, each of zeros.
    void extend(std::size_t size) noexcept {
        if (size <= size_) { return; }
        reserve(size);
        std::memset(data_ + size_, 0, (size - size_) * sizeof(T));
        size_ = size;
    }
    void clear() noexcept { size_ = 0; }

    T* data() noexcept { return data_; }
    const T* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    T& operator[](std::size_t i) noexcept { return data_[i]; }
    const T& operator[](std::size_t i) const noexcept { return data_[i]; }

private:
    void reserve(std::size_t count) noexcept {
        if (count <= room_) { return; }
        std::size_t room = room_ == 0 ? 64 : room_;
        while (room < count) { room *= 2; }
        void* const grown = std::realloc(static_cast<void*>(data_), room * sizeof(T));
        if (grown == nullptr) { std::abort(); }
        data_ = static_cast<T*>(grown);
        room_ = room;
    }
    T* data_ = nullptr;
    std::size_t size_ = 0, room_ = 0;
};

inline void append_text(Buffer<char>& to, const char* text) noexcept {
    to.append(text, std::strlen(text));
}

}  // namespace tool::run

#endif
