// Text as XML, and so SVG, has it.
#ifndef BROOD_TOOLS_XML_TEXT_HPP
#define BROOD_TOOLS_XML_TEXT_HPP

#include <cstdio>

namespace tool {

/// Between tags, or in the quotes of an attribute.
void print_xml_text(std::FILE* to, const char* text) noexcept;

}  // namespace tool

#endif
