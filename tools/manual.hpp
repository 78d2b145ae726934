// The one table of each command's options: the parser, --help, the man page and the completion of
// shells are made from it.
#ifndef BROOD_TOOLS_MANUAL_HPP
#define BROOD_TOOLS_MANUAL_HPP

#include <cstddef>
#include <cstdint>

#include <tools/command.hpp>

namespace tool {

/// A row of the table. Help is text as in Manual.
struct Option {
    int key;            ///< Its letter; of one without, a number from kNoLetter on.
    const char* name;   ///< Its long name.
    const char* value;  ///< What stands for its argument; null: it takes none. Completion offers
                        ///< files for "FILE", folders for "FOLDER", the words for "a|b|c".
    const char* help;   ///< Null: it is for the command itself, and told to nobody.

    static constexpr int kNoLetter = 256;
};

/// What completion offers for an operand.
enum class Operands : unsigned char { none, files, programs, examples, objects };

/// What a command is told about, beside its code. Texts are paragraphs, each in one line, wrapped
/// where they are shown; a line that begins with a blank is shown as it is.
struct Manual {
    const char* name;     ///< "sum", "ipc stat".
    const char* summary;  ///< Less than a line, with a small letter, without a stop.
    const char* usage;    ///< A line for each form, without "brood NAME".
    const char* purpose;
    const Option* options;  ///< Without --help and --version, which all have.
    std::size_t option_count;
    const char* remarks;  ///< "" or paragraphs.
    const char* status;   ///< What the exit status says: one paragraph.
    Operands operands;
    bool stops_at_operand;  ///< Options behind the first operand are none of the command.
};

/// The rows that all commands have, behind those of their own.
inline constexpr Option kCommonOptions[] = {
    {'h', "help", nullptr, "print this and end"},
    {'V', "version", nullptr, "print the version and end"},
};

void print_help(const Manual& manual) noexcept;

/// An option of a command line.
class Given {
public:
    Given(const Manual& manual, const Option& option, const char* value) noexcept
        : manual_(manual), option_(option), value_(value) {}

    int key() const noexcept { return option_.key; }
    /// Null where it takes none.
    const char* value() const noexcept { return value_; }
    // Of these each reads the value. False: it is none, or out of bounds, and that has been said.
    /// Digits only: no sign, no blank, nothing behind them.
    bool number(std::int64_t least, std::int64_t most, std::int64_t& value) const noexcept;
    /// "2", "0.5", ".25": digits and at most one point. In milliseconds, as are the bounds.
    bool seconds(std::int64_t least_ms, std::int64_t most_ms, std::int64_t& ms) const noexcept;
    /// "4096", "64K", "2M", "1G": digits, and at most one of these letters, for powers of 1024.
    bool size(std::int64_t least, std::int64_t most, std::int64_t& bytes) const noexcept;
    /// Says "brood NAME: -x takes WHAT, not 'VALUE'": false.
    bool refuse(const char* what) const noexcept;

private:
    const Manual& manual_;
    const Option& option_;
    const char* value_;
};

/// Calls take(context, given) for each option. Parsed::run: all are taken, and first is where the
/// operands begin in arguments. What is wrong, or was asked by --help, has been said.
Parsed parse_options(const Manual& manual, int count, char** arguments, int& first,
                     bool (*take)(void* context, const Given& given), void* context) noexcept;

/// The same for a function object: bool take(const Given&).
template <class Take>
Parsed parse_options(const Manual& manual, int count, char** arguments, int& first,
                     Take take) noexcept {
    return parse_options(
        manual, count, arguments, first,
        [](void* context, const Given& given) { return (*static_cast<Take*>(context))(given); },
        &take);
}

}  // namespace tool

#endif
