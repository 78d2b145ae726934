#include <tools/run/command_line.hpp>

#include <cstdio>

namespace tool::run {
namespace {

/// What stands between braces, and the part of an argument that it stands for. A part without end
/// is a number.
struct Place {
    const char* text;
    enum Part { whole, stem, base, folder, base_stem, number, slot } part;
    bool is_number() const noexcept { return part == number || part == slot; }
};
constexpr Place kPlaces[] = {
    {"{}", Place::whole},    {"{.}", Place::stem},       {"{/}", Place::base},
    {"{//}", Place::folder}, {"{/.}", Place::base_stem}, {"{#}", Place::number},
    {"{%}", Place::slot},
};

const Place* place_at(const char* text) noexcept {
    for (const Place& place : kPlaces) {
        if (std::strncmp(text, place.text, std::strlen(place.text)) == 0) { return &place; }
    }
    return nullptr;
}

bool has_places(const char* word) noexcept {
    for (const char* at = std::strchr(word, '{'); at != nullptr; at = std::strchr(at + 1, '{')) {
        if (place_at(at) != nullptr) { return true; }
    }
    return false;
}

/// How many bytes of a name are before its extension: ".profile" has none.
std::size_t stem_bytes(const char* name) noexcept {
    const char* const dot = std::strrchr(name, '.');
    return dot == nullptr || dot == name ? std::strlen(name) : static_cast<std::size_t>(dot - name);
}

void append_part(Buffer<char>& to, const char* item, Place::Part part) noexcept {
    const char* const slash = std::strrchr(item, '/');
    const char* const base = slash != nullptr ? slash + 1 : item;
    const auto folder_bytes = static_cast<std::size_t>(base - item);
    switch (part) {
        case Place::stem: to.append(item, folder_bytes + stem_bytes(base)); break;
        case Place::base: append_text(to, base); break;
        case Place::base_stem: to.append(base, stem_bytes(base)); break;
        case Place::folder:
            if (slash == nullptr) {
                to.add('.');
            } else {
                to.append(item, slash == item ? 1 : folder_bytes - 1);
            }
            break;
        default: append_text(to, item); break;
    }
}

void append_number(Buffer<char>& to, unsigned long long value) noexcept {
    char digits[24];
    std::snprintf(digits, sizeof digits, "%llu", value);
    append_text(to, digits);
}

/// Calls visit(item) for each.
template <class Visit>
void for_each(const Items& items, Visit visit) noexcept {
    const char* item = items.text.data();
    for (std::size_t i = 0; i < items.count; ++i, item += std::strlen(item) + 1) { visit(item); }
}

bool is_plain(const char* word) noexcept {
    constexpr char kPlain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    return word[0] != '\0' && word[std::strspn(word, kPlain)] == '\0';
}

/// $'...', in which the shell takes backslashes.
void quote_with_escapes(Buffer<char>& to, const char* word) noexcept {
    append_text(to, "$'");
    for (; *word != '\0'; ++word) {
        const auto byte = static_cast<unsigned char>(*word);
        char escape[8] = {*word, '\0'};
        if (byte == '\n') {
            std::strcpy(escape, "\\n");
        } else if (byte == '\t') {
            std::strcpy(escape, "\\t");
        } else if (byte == '\'' || byte == '\\') {
            std::snprintf(escape, sizeof escape, "\\%c", byte);
        } else if (byte < 0x20 || byte == 0x7f) {
            std::snprintf(escape, sizeof escape, "\\%03o", byte);
        }
        append_text(to, escape);
    }
    to.add('\'');
}

void quote_word(Buffer<char>& to, const char* word) noexcept {
    if (is_plain(word)) { return append_text(to, word); }
    for (const char* at = word; *at != '\0'; ++at) {
        const auto byte = static_cast<unsigned char>(*at);
        if (byte < 0x20 || byte == 0x7f || byte == '\'') { return quote_with_escapes(to, word); }
    }
    to.add('\'');
    append_text(to, word);
    to.add('\'');
}

}  // namespace

void CommandLine::add_word(const char* word, const Values& values) noexcept {
    const Place* const first = place_at(word);
    const bool is_alone = first != nullptr && word[std::strlen(first->text)] == '\0';
    if (is_alone && !first->is_number()) {  // A word for each argument.
        return for_each(values.items, [&](const char* item) {
            begin_word();
            append_part(text_, item, first->part);
            end_word();
        });
    }
    begin_word();
    for (const char* at = word; *at != '\0';) {
        const Place* const place = *at == '{' ? place_at(at) : nullptr;
        if (place == nullptr) {
            text_.add(*at++);
            continue;
        }
        at += std::strlen(place->text);
        if (place->is_number()) {
            append_number(text_, place->part == Place::slot ? values.slot : values.number);
            continue;
        }
        bool is_first = true;
        for_each(values.items, [&](const char* item) {
            if (!is_first) { text_.add(' '); }
            is_first = false;
            append_part(text_, item, place->part);
        });
    }
    end_word();
}

void CommandLine::build(char* const* command, const Items& items, std::uint64_t number,
                        std::size_t slot) noexcept {
    text_.clear();
    starts_.clear();
    words_.clear();
    bool replaces = false;
    for (char* const* word = command; *word != nullptr; ++word) {
        replaces = replaces || has_places(*word);
        add_word(*word, {items, number, slot});
    }
    if (!replaces) { add_word("{}", {items, number, slot}); }
    for (std::size_t i = 0; i < starts_.size(); ++i) { words_.add(text_.data() + starts_[i]); }
    words_.add(nullptr);
}

void CommandLine::quote(Buffer<char>& to) const noexcept {
    for (std::size_t i = 0; words_[i] != nullptr; ++i) {
        if (i > 0) { to.add(' '); }
        quote_word(to, words_[i]);
    }
}

}  // namespace tool::run
