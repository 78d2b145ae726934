// What the examples share: words in the reader's language, printed line by line, and time that may
// run faster than in the notes. Nothing of brood is hidden in here.
#ifndef BROOD_EXAMPLES_STAGE_HPP
#define BROOD_EXAMPLES_STAGE_HPP

#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <brood/timeout.hpp>

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

/// printf() of a line in the reader's language. Both formats take the same arguments. The line is
/// written at once and whole, though many processes print.
__attribute__((format(printf, 1, 3), format(printf, 2, 3))) inline void say(const char* english,
                                                                            const char* chinese,
                                                                            ...) {
    std::va_list arguments;
    va_start(arguments, chinese);
    std::vprintf(is_chinese() ? chinese : english, arguments);
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

}  // namespace stage

#endif
