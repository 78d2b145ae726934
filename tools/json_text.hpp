// Text as JSON has it.
#ifndef BROOD_TOOLS_JSON_TEXT_HPP
#define BROOD_TOOLS_JSON_TEXT_HPP

#include <cstdio>

namespace tool {

/// In quotes; bytes that are no UTF-8 become U+FFFD.
void print_json_text(std::FILE* to, const char* text) noexcept;

}  // namespace tool

#endif
