// What the examples share: words in the reader's language, printed line by line, time that may run
// faster than in the notes, and chance. Nothing of brood is hidden in here.
#ifndef BROOD_EXAMPLES_STAGE_HPP
#define BROOD_EXAMPLES_STAGE_HPP

#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <brood/this_process.hpp>

namespace stage {

/// Whether the reader's language is Chinese: LC_ALL, LC_MESSAGES, LANG, the first that is set.
inline bool is_chinese() {
    for (const char* const name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
        const char* const language = std::getenv(name);
        if (language != nullptr && *language != '\0') {
            return std::strncmp(language, "zh", 2) == 0;
        }
    }
    return false;
}

/// A text in the reader's language.
inline const char* words(const char* english, const char* chinese) {
    return is_chinese() ? chinese : english;
}

/// printf() of a line in the reader's language. Both formats take the same arguments. The line is
/// written at once and whole, though many processes print.
__attribute__((format(printf, 1, 3), format(printf, 2, 3))) inline void say(const char* english,
                                                                            const char* chinese,
                                                                            ...) {
    std::va_list arguments;
    va_start(arguments, chinese);
    std::vprintf(words(english, chinese), arguments);
    va_end(arguments);
    std::putchar('\n');
    std::fflush(stdout);
}

/// `seconds` of the notes, in milliseconds: as they say, or times BROOD_PACE (0.01: a hundredth).
inline int span(double seconds) {
    const char* const pace = std::getenv("BROOD_PACE");
    return static_cast<int>(seconds * 1000 * (pace == nullptr ? 1.0 : std::atof(pace)));
}

/// Does nothing for so long.
inline void take(double seconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(span(seconds)));
}

/// A number from `low` to `high`, by chance. Each process has its own, as it has its own pid.
inline double between(double low, double high) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    const auto pid = static_cast<std::uint64_t>(brood::this_process::id());
    std::uint64_t mixed = (static_cast<std::uint64_t>(now) ^ pid << 32) * 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 32) * 0x9e3779b97f4a7c15;
    return low + (high - low) * static_cast<double>(mixed >> 32) / 4294967296.0;
}

}  // namespace stage

#endif
