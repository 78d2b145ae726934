#include <tools/manual.hpp>

#include <getopt.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace tool {
namespace {

constexpr std::size_t kOptionsMax = 48, kWidth = 79, kHelpColumn = 26;

/// In which column the next letter comes to stand.
class Wrapper {
public:
    Wrapper(std::size_t margin, std::size_t column) noexcept : margin_(margin), column_(column) {}

    /// Writes one paragraph, from the column on, with the margin before each further line.
    void paragraph(const char* text, std::size_t length) noexcept {
        if (length > 0 && text[0] == ' ') {
            std::printf("%.*s", static_cast<int>(length), text);
        } else {
            words(text, length);
        }
        next_line();
    }
    void text(const char* text) noexcept {
        for (;;) {
            const std::size_t length = std::strcspn(text, "\n");
            paragraph(text, length);
            if (text[length] == '\0') { return; }
            text += length + 1;
        }
    }

private:
    void words(const char* text, std::size_t length) noexcept {
        bool is_first = true;
        for (std::size_t at = 0; at < length;) {
            const char* const end =
                static_cast<const char*>(std::memchr(text + at, ' ', length - at));
            const std::size_t bytes = end != nullptr ? static_cast<std::size_t>(end - text) - at
                                                     : length - at;
            if (!is_first && column_ + 1 + bytes > kWidth) {
                next_line();
                is_first = true;
            }
            if (column_ < margin_) {
                std::printf("%*s", static_cast<int>(margin_ - column_), "");
                column_ = margin_;
            }
            std::printf("%s%.*s", is_first ? "" : " ", static_cast<int>(bytes), text + at);
            column_ += bytes + (is_first ? 0 : 1);
            is_first = false;
            at += bytes + 1;
        }
    }
    void next_line() noexcept {
        std::fputc('\n', stdout);
        column_ = 0;
    }
    std::size_t margin_, column_;
};

void print_option(const Option& option) noexcept {
    if (option.help == nullptr) { return; }
    char letter[8] = "    ";
    if (option.key < Option::kNoLetter) {
        std::snprintf(letter, sizeof letter, "-%c, ", option.key);
    }
    const bool has_value = option.value != nullptr;
    const int printed = std::printf("  %s--%s%s%s", letter, option.name, has_value ? "=" : "",
                                    has_value ? option.value : "");
    auto column = static_cast<std::size_t>(printed > 0 ? printed : 0);
    if (column + 2 > kHelpColumn) {
        std::fputc('\n', stdout);
        column = 0;
    }
    Wrapper(kHelpColumn, column).text(option.help);
}

const Option* row_of(const Manual& manual, int key) noexcept {
    for (std::size_t i = 0; i < manual.option_count; ++i) {
        if (manual.options[i].key == key) { return &manual.options[i]; }
    }
    return nullptr;
}

/// What getopt_long() wants to know.
struct Table {
    char letters[2 * kOptionsMax + 2] = {};
    option names[kOptionsMax + 1] = {};

    explicit Table(const Manual& manual) noexcept {
        if (manual.option_count + std::size(kCommonOptions) > kOptionsMax) { std::abort(); }
        if (manual.stops_at_operand) { letters[at_++] = '+'; }
        for (std::size_t i = 0; i < manual.option_count; ++i) { add(manual.options[i]); }
        for (const Option& row : kCommonOptions) { add(row); }
    }

private:
    void add(const Option& row) noexcept {
        const bool has_value = row.value != nullptr;
        if (row.key < Option::kNoLetter) {
            letters[at_++] = static_cast<char>(row.key);
            if (has_value) { letters[at_++] = ':'; }
        }
        names[count_++] = {row.name, has_value ? required_argument : no_argument, nullptr, row.key};
    }
    std::size_t at_ = 0, count_ = 0;
};

}  // namespace

void print_help(const Manual& manual) noexcept {
    const char* before = "Usage:";
    for (const char* form = manual.usage;; ++form) {
        const std::size_t length = std::strcspn(form, "\n");
        std::printf("%s brood %s%s%.*s\n", before, manual.name, length > 0 ? " " : "",
                    static_cast<int>(length), form);
        before = "      ";
        form += length;
        if (*form == '\0') { break; }
    }
    std::fputc('\n', stdout);
    Wrapper(0, 0).text(manual.purpose);
    std::fputc('\n', stdout);
    for (std::size_t i = 0; i < manual.option_count; ++i) { print_option(manual.options[i]); }
    for (const Option& row : kCommonOptions) { print_option(row); }
    std::fputc('\n', stdout);
    if (manual.remarks[0] != '\0') {
        Wrapper(0, 0).text(manual.remarks);
        std::fputc('\n', stdout);
    }
    std::fputs("Exit status: ", stdout);
    Wrapper(0, std::strlen("Exit status: ")).text(manual.status);
}

bool Given::refuse(const char* what) const noexcept {
    char letter[3] = {'-', static_cast<char>(option_.key), '\0'};
    const bool has_letter = option_.key < Option::kNoLetter;
    std::fprintf(stderr, "brood %s: %s%s takes %s, not '%s'\n", manual_.name,
                 has_letter ? letter : "--", has_letter ? "" : option_.name, what, value_);
    return false;
}

bool Given::number(std::int64_t least, std::int64_t most, std::int64_t& value) const noexcept {
    constexpr std::size_t kDigitsMax = 18;
    const std::size_t length = std::strlen(value_);
    const bool is_number = length > 0 && length <= kDigitsMax &&
                           std::strspn(value_, "0123456789") == length;
    if (is_number) {
        value = std::strtoll(value_, nullptr, 10);
        if (value >= least && value <= most) { return true; }
    }
    char what[80];
    std::snprintf(what, sizeof what, "a number from %" PRId64 " to %" PRId64, least, most);
    return refuse(what);
}

bool Given::seconds(std::int64_t least_ms, std::int64_t most_ms, std::int64_t& ms) const noexcept {
    std::int64_t thousandths = 0;
    int digits = 0, decimals = -1;  // -1: no point yet
    bool is_number = true;
    for (const char* at = value_; *at != '\0' && is_number; ++at) {
        if (*at == '.' && decimals < 0) {
            decimals = 0;
        } else if (*at >= '0' && *at <= '9' && digits < 12) {
            ++digits;
            if (decimals >= 3) { continue; }  // Less than a millisecond.
            thousandths = thousandths * 10 + (*at - '0');
            decimals += decimals < 0 ? 0 : 1;
        } else {
            is_number = false;
        }
    }
    for (int i = decimals < 0 ? 0 : decimals; i < 3; ++i) { thousandths *= 10; }
    ms = thousandths;
    if (is_number && digits > 0 && ms >= least_ms && ms <= most_ms) { return true; }
    char what[80];
    std::snprintf(what, sizeof what, "seconds from %g to %g", static_cast<double>(least_ms) / 1000,
                  static_cast<double>(most_ms) / 1000);
    return refuse(what);
}

bool Given::size(std::int64_t least, std::int64_t most, std::int64_t& bytes) const noexcept {
    constexpr std::size_t kDigitsMax = 15;
    const std::size_t digits = std::strspn(value_, "0123456789");
    int shift = 0;
    switch (value_[digits]) {
        case '\0': break;
        case 'K': shift = 10; break;
        case 'M': shift = 20; break;
        case 'G': shift = 30; break;
        default: shift = -1; break;
    }
    const bool is_whole = shift == 0 || (shift > 0 && value_[digits + 1] == '\0');
    if (is_whole && digits > 0 && digits <= kDigitsMax) {
        const std::int64_t number = std::strtoll(value_, nullptr, 10);
        if (number <= most >> shift) {
            bytes = number << shift;
            if (bytes >= least) { return true; }
        }
    }
    char what[80];
    std::snprintf(what, sizeof what, "bytes, with K, M or G behind, from %" PRId64 " to %" PRId64,
                  least, most);
    return refuse(what);
}

Parsed parse_options(const Manual& manual, int count, char** arguments, int& first,
                     bool (*take)(void* context, const Given& given), void* context) noexcept {
    const Table table(manual);
    int key = 0;
    while ((key = getopt_long(count, arguments, table.letters, table.names, nullptr)) != -1) {
        if (key == 'h') { return print_help(manual), Parsed::finished; }
        if (key == 'V') { return print_version(); }
        const Option* const row =
            row_of(manual, key);  // None: getopt_long() has said what is wrong.
        if (row == nullptr || !take(context, Given(manual, *row, optarg))) {
            return refuse_usage(manual.name);
        }
    }
    first = optind;
    return Parsed::run;
}

}  // namespace tool
