// A shared object of brood's under its handle: made once, and made anew in place for each play.
#ifndef BROOD_TEST_CRASH_OBJECT_HPP
#define BROOD_TEST_CRASH_OBJECT_HPP

#include <string.h>

#include <type_traits>
#include <vector>

#include "scene.hpp"

namespace crash {

/// T is a handle: first of all a pointer to `bytes` of shared memory.
template <class T>
class Object {
public:
    Object(T&& made, std::size_t bytes) : handle_(std::move(made)), bytes_(bytes) {
        static_assert(std::is_standard_layout_v<T> && sizeof(T) >= sizeof(memory_));
        memcpy(static_cast<void*>(&memory_), static_cast<const void*>(&handle_), sizeof(memory_));
        fresh_.assign(memory_, memory_ + bytes);
    }
    T* operator->() { return &handle_; }
    void renew() { memcpy(memory_, fresh_.data(), bytes_); }
    Extent extent() const { return {memory_, bytes_}; }

private:
    T handle_;
    std::size_t bytes_;
    unsigned char* memory_ = nullptr;
    std::vector<unsigned char> fresh_;
};

}  // namespace crash

#endif
