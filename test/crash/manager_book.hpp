// A dictionary that the scenes of a manager are about, and what it shall hold.
#ifndef BROOD_TEST_CRASH_MANAGER_BOOK_HPP
#define BROOD_TEST_CRASH_MANAGER_BOOK_HPP

#include <cstdint>
#include <vector>

#include <brood/manager.hpp>
#include <brood/text.hpp>

namespace crash {

using Value = brood::Text<64>;
using Numbers = brood::Dict<std::uint32_t, Value>;

/// `bytes` times the same letter, under a key.
struct Line {
    std::uint32_t key;
    std::size_t bytes;
    char letter;
    bool operator==(const Line& other) const {
        return key == other.key && bytes == other.bytes && letter == other.letter;
    }
};
/// The one manager there is, made anew for each scene: a process has few.
extern brood::Manager the_manager;

using Lines = std::vector<Line>;  // From the oldest to the newest.

/// The oldest line of each book is a number that everybody counts up.
inline constexpr std::uint32_t kCounter = 0;

/// Sets, or refuses, as Dict::set(); of any length.
brood::Status write(const Numbers& dict, const Line& line);
/// What it holds but the counter. False: it is none of what write() puts there, or cannot be read.
bool read(const Numbers& dict, Lines& lines);
/// Counts up; a new counter begins at 0.
brood::Status count_up(const Numbers& dict);
/// -1: it has none, or cannot be asked.
int counted(const Numbers& dict);

/// What becomes of lines, as of a dictionary.
void put(Lines& lines, const Line& line);
void take(Lines& lines, std::uint32_t key);

}  // namespace crash

#endif
