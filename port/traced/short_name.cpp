// Names of functions as a reader writes them, from what the C++ ABI makes of them: without
// parameters, arguments of templates, and the namespaces of brood.
#include "symbols.hpp"

namespace traced {
namespace {

bool is_digit(char letter) noexcept {
    return letter >= '0' && letter <= '9';
}

class Reader {
public:
    Reader(const char* symbol, char* name, std::size_t bytes) noexcept
        : at_(symbol), name_(name), room_(bytes - 1) {}

    void read() noexcept {
        if (at_[0] != '_' || at_[1] != 'Z') {
            put(at_, length_of(at_));
        } else {
            at_ += 2;
            encoding();
        }
        name_[count_] = '\0';
    }

private:
    static std::size_t length_of(const char* text) noexcept {
        std::size_t length = 0;
        while (text[length] != '\0') { ++length; }
        return length;
    }
    bool is_at(const char* text) const noexcept {
        for (std::size_t i = 0; text[i] != '\0'; ++i) {
            if (at_[i] != text[i]) { return false; }
        }
        return true;
    }
    std::size_t take_number() noexcept {
        std::size_t number = 0;
        while (is_digit(*at_)) { number = number * 10 + static_cast<std::size_t>(*at_++ - '0'); }
        return number;
    }

    void put(const char* text, std::size_t bytes) noexcept {
        for (std::size_t i = 0; i < bytes && text[i] != '\0' && count_ < room_; ++i) {
            name_[count_++] = text[i];
        }
    }
    void component(const char* text, std::size_t bytes) noexcept {
        if (count_ > 0) { put("::", 2); }
        put(text, bytes);
        last_ = text;
        last_bytes_ = bytes;
    }
    void component(const char* text) noexcept { component(text, length_of(text)); }

    // A name, and perhaps what is inside of a function: then both, and not its parameters.
    void encoding() noexcept {
        if (*at_ != 'Z') { return name(); }
        ++at_;
        encoding();
        skip_to_end();
        name();
    }

    void name() noexcept {
        if (*at_ != 'N') { return part(); }
        ++at_;
        while (*at_ == 'r' || *at_ == 'V' || *at_ == 'K' || *at_ == 'R' || *at_ == 'O') { ++at_; }
        while (*at_ != 'E' && *at_ != '\0') { part(); }
        if (*at_ == 'E') { ++at_; }
    }

    void part() noexcept {
        if (*at_ == 'L' && is_digit(at_[1])) { ++at_; }
        if (is_digit(*at_)) { return source_name(); }
        if (is_at("Ul")) {
            component("lambda");
            return skip();
        }
        if ((*at_ == 'C' || *at_ == 'D') && is_digit(at_[1])) {
            const bool is_destructor = *at_ == 'D';
            at_ += 2;
            if (!is_destructor) { return component(last_, last_bytes_); }
            put("::~", 3);
            return put(last_, last_bytes_);
        }
        if (*at_ >= 'a' && *at_ <= 'z') { return operation(); }
        if (is_at("St")) { component("std"); }
        skip();
    }

    void source_name() noexcept {
        const std::size_t bytes = take_number();
        const char* const begin = at_;
        for (std::size_t i = 0; i < bytes && *at_ != '\0'; ++i) { ++at_; }
        const auto is = [&](const char* text) {
            at_ = begin;
            const bool same = length_of(text) == bytes && is_at(text);
            at_ = begin + bytes;
            return same;
        };
        if (is("brood") || is("v0") || is("detail") || is("_GLOBAL__N_1")) { return; }
        component(begin, bytes);
    }

    void operation() noexcept {
        struct Row {
            char code[3];
            const char* shown;
        };
        constexpr Row kRows[] = {{"ix", "[]"}, {"cl", "()"}, {"eq", "=="}, {"ne", "!="},
                                 {"aS", "="},  {"de", "*"},  {"pt", "->"}, {"pp", "++"},
                                 {"mm", "--"}, {"lt", "<"},  {"gt", ">"},  {"pL", "+="},
                                 {"mI", "-="}, {"or", "|"},  {"an", "&"},  {"nt", "!"}};
        if (is_at("cv")) {
            at_ += 2;
            component("operator");
            return skip();
        }
        for (const Row& row : kRows) {
            if (!is_at(row.code)) { continue; }
            at_ += 2;
            // A lambda's is what everybody takes for the lambda itself.
            if (last_bytes_ == 6 && last_[0] == 'l' && row.code[0] == 'c') { return; }
            component("operator");
            return put(row.shown, length_of(row.shown));
        }
        component("operator");
        at_ += at_[1] != '\0' ? 2 : 1;
    }

    // ---- What is left out: it only has to be known where it ends. ----

    void skip_to_end() noexcept {
        while (*at_ != 'E' && *at_ != '\0') { skip(); }
        if (*at_ == 'E') { ++at_; }
    }

    void skip() noexcept {
        if (is_digit(*at_)) {
            const std::size_t bytes = take_number();
            for (std::size_t i = 0; i < bytes && *at_ != '\0'; ++i) { ++at_; }
            return;
        }
        switch (*at_) {
            case '\0': return;
            case 'N':
            case 'I':
            case 'J':
            case 'X':
            case 'F':
            case 'Z': ++at_; return skip_to_end();
            case 'L': return skip_literal();
            case 'U': return skip_unnamed();
            case 'S':
            case 'T': return skip_substitution();
            case 'D': return skip_special();
            case 'A':
                ++at_;
                while (is_digit(*at_)) { ++at_; }
                if (*at_ == '_') { ++at_; }
                return;
            default: ++at_; return;
        }
    }

    void skip_literal() noexcept {
        ++at_;
        if (is_at("_Z")) {
            at_ += 2;
            return skip_to_end();
        }
        skip();  // The type; then the value, which would look like the length of a name.
        while (*at_ != 'E' && *at_ != '\0') { ++at_; }
        if (*at_ == 'E') { ++at_; }
    }

    void skip_unnamed() noexcept {
        const bool is_lambda = at_[1] == 'l';
        if (!is_lambda && at_[1] != 't') {
            ++at_;
            return;
        }
        at_ += 2;
        if (is_lambda) { skip_to_end(); }
        while (is_digit(*at_)) { ++at_; }
        if (*at_ == '_') { ++at_; }
    }

    void skip_substitution() noexcept {
        const bool is_template_parameter = *at_++ == 'T';
        if (!is_template_parameter && *at_ >= 'a' && *at_ <= 'z') {
            ++at_;
            return;
        }
        while (is_digit(*at_) || (*at_ >= 'A' && *at_ <= 'Z')) { ++at_; }
        if (*at_ == '_') { ++at_; }
    }

    void skip_special() noexcept {
        ++at_;
        const bool is_expression = *at_ == 't' || *at_ == 'T';
        if (*at_ != '\0') { ++at_; }
        if (is_expression) { skip_to_end(); }
    }

    const char* at_;
    char* name_;
    std::size_t room_;
    std::size_t count_ = 0;
    const char* last_ = "";
    std::size_t last_bytes_ = 0;
};

}  // namespace

void short_name(const char* symbol, char* name, std::size_t bytes) noexcept {
    Reader(symbol, name, bytes).read();
}

}  // namespace traced
