#include <tools/time_text.hpp>

#include <cinttypes>
#include <cstdio>

namespace tool {

void format_time(char* text, std::size_t room, std::int64_t ms) noexcept {
    const std::int64_t seconds = ms / 1000 % 60, minutes = ms / 60000 % 60, hours = ms / 3600000;
    if (hours >= 24) {
        std::snprintf(text, room, "%" PRId64 "d %02" PRId64 ":%02" PRId64 ":%02" PRId64, hours / 24,
                      hours % 24, minutes, seconds);
    } else if (hours > 0) {
        std::snprintf(text, room, "%" PRId64 ":%02" PRId64 ":%02" PRId64, hours, minutes, seconds);
    } else {
        std::snprintf(text, room, "%" PRId64 ":%02" PRId64, minutes, seconds);
    }
}

}  // namespace tool
