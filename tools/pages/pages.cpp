#include <tools/pages/pages.hpp>

#include <cstring>

namespace tool {
namespace pages {

bool Table::has(const char* name) const {
    for (const Command& command : *this) {
        if (std::strcmp(command.manual.name, name) == 0) { return true; }
    }
    return false;
}

std::string letter_of(const Option& option) {
    if (option.key >= Option::kNoLetter) { return ""; }
    return std::string("-") + static_cast<char>(option.key);
}

std::string name_of(const Option& option) {
    return std::string("--") + option.name;
}

std::string group_of(const Manual& manual) {
    const char* const blank = std::strchr(manual.name, ' ');
    return blank == nullptr ? "" : std::string(manual.name, blank);
}

std::string last_word(const Manual& manual) {
    const char* const blank = std::strchr(manual.name, ' ');
    return blank == nullptr ? manual.name : blank + 1;
}

Value value_of(const Option& option) {
    if (option.value == nullptr) { return Value::none; }
    if (std::strcmp(option.value, "FILE") == 0) { return Value::file; }
    if (std::strcmp(option.value, "FOLDER") == 0) { return Value::folder; }
    return std::strchr(option.value, '|') != nullptr ? Value::words : Value::text;
}

std::string words_of(const Option& option) {
    return replaced(option.value, "|", " ");
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
        text.replace(at, from.size(), to);
    }
    return text;
}

}  // namespace pages
}  // namespace tool
