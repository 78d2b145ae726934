#include <tools/xml_text.hpp>

namespace tool {

void print_xml_text(std::FILE* to, const char* text) noexcept {
    for (; *text != '\0'; ++text) {
        switch (*text) {
            case '<': std::fputs("&lt;", to); break;
            case '>': std::fputs("&gt;", to); break;
            case '&': std::fputs("&amp;", to); break;
            case '"': std::fputs("&quot;", to); break;
            default: std::fputc(*text, to);
        }
    }
}

}  // namespace tool
