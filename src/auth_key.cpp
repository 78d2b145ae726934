// A key in the options of a listener or a client.
#include <brood/detail/secret.hpp>

#include "auth_secret.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

void Secret::set(const void* key, std::size_t bytes) noexcept {
    clear();
    is_set_ = true;
    if (key == nullptr || bytes == 0) {
        problem_ = Errc::bad_argument;
    } else if (bytes > kBytes) {
        problem_ = Errc::size_too_large;
    } else {
        size_ = static_cast<std::uint16_t>(bytes);
        __builtin_memcpy(bytes_, key, bytes);
    }
}

void Secret::copy(const Secret& other) noexcept {
    problem_ = other.problem_;
    is_set_ = other.is_set_;
    size_ = other.size_;
    __builtin_memcpy(bytes_, other.bytes_, sizeof(bytes_));
}

void Secret::clear() noexcept {
    wipe(bytes_, sizeof(bytes_));
    problem_ = Errc::ok;
    is_set_ = false;
    size_ = 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
