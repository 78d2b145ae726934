// Spans of time as people read them.
#ifndef BROOD_TOOLS_TIME_TEXT_HPP
#define BROOD_TOOLS_TIME_TEXT_HPP

#include <cstddef>
#include <cstdint>

namespace tool {

/// "0:07", "1:02:03", "3d 04:05:06".
void format_time(char* text, std::size_t room, std::int64_t ms) noexcept;

}  // namespace tool

#endif
