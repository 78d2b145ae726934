// Which word was meant.
#ifndef BROOD_TOOLS_NEAREST_HPP
#define BROOD_TOOLS_NEAREST_HPP

#include <cstddef>

namespace tool {

/// Of words that are offered one by one, the first of those that are nearest to `given`: by how
/// many letters must be inserted, left out or replaced to turn one into the other. Words longer
/// than kWordMax count as far from everything.
class Nearest {
public:
    static constexpr std::size_t kWordMax = 31;

    explicit Nearest(const char* given) noexcept : given_(given) {}
    void offer(const char* word) noexcept;
    /// "" if none was offered.
    const char* word() const noexcept { return word_; }
    bool is_given() const noexcept { return distance_ == 0; }

private:
    const char* given_;
    std::size_t distance_ = kWordMax + 1;
    char word_[kWordMax + 1] = "";
};

}  // namespace tool

#endif
