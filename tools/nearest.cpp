#include <tools/nearest.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace tool {
namespace {

constexpr std::size_t kWordMax = Nearest::kWordMax;

std::size_t distance(const char* from, const char* to) noexcept {
    const std::size_t from_length = std::strlen(from), to_length = std::strlen(to);
    if (from_length > kWordMax || to_length > kWordMax) { return kWordMax; }

    std::size_t row[kWordMax + 1];  // row[j]: from the first i letters to the first j
    for (std::size_t j = 0; j <= to_length; ++j) { row[j] = j; }
    for (std::size_t i = 1; i <= from_length; ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= to_length; ++j) {
            const std::size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min(replaced, std::min(row[j - 1], row[j]) + 1);
        }
    }
    return row[to_length];
}

}  // namespace

void Nearest::offer(const char* word) noexcept {
    const std::size_t found = distance(given_, word);
    if (found >= distance_) { return; }
    distance_ = found;
    std::snprintf(word_, sizeof(word_), "%s", word);
}

}  // namespace tool
