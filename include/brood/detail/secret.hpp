// Secret: a key, for as long as it is needed.
#ifndef BROOD_DETAIL_SECRET_HPP
#define BROOD_DETAIL_SECRET_HPP

#include <cstddef>
#include <cstdint>

#include <brood/error.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// Up to kBytes of a key, wiped when it goes.
class Secret {
public:
    static constexpr std::size_t kBytes = 256;

    Secret() noexcept = default;
    Secret(const Secret& other) noexcept { copy(other); }
    Secret& operator=(const Secret& other) noexcept {
        if (this != &other) { copy(other); }
        return *this;
    }
    ~Secret() noexcept { clear(); }

    void set(const void* key, std::size_t bytes) noexcept;
    void clear() noexcept;
    /// Whether one was set, good or not.
    bool is_set() const noexcept { return is_set_; }
    /// bad_argument (empty, or null), size_too_large.
    Errc problem() const noexcept { return problem_; }
    const unsigned char* bytes() const noexcept { return bytes_; }
    std::size_t size() const noexcept { return size_; }

private:
    void copy(const Secret& other) noexcept;

    Errc problem_ = Errc::ok;
    bool is_set_ = false;
    std::uint16_t size_ = 0;
    unsigned char bytes_[kBytes] = {};
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
