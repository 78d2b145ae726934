// What `make pages` writes from the one table of options: a man page, and what completes command
// lines in bash and zsh.
#ifndef BROOD_TOOLS_PAGES_PAGES_HPP
#define BROOD_TOOLS_PAGES_PAGES_HPP

#include <cstddef>
#include <cstdio>
#include <iterator>
#include <string>

#include <tools/manual.hpp>

namespace tool {
namespace pages {

/// The commands that are written about, by name.
struct Table {
    const Command* commands;
    std::size_t count;

    const Command* begin() const { return commands; }
    const Command* end() const { return commands + count; }
    bool has(const char* name) const;
};

void write_man(const Table& table, std::FILE* to);
void write_bash(const Table& table, std::FILE* to);
void write_zsh(const Table& table, std::FILE* to);

// What the three share.

/// Calls f(option) for each that is told to anybody: those of the command, then those of all.
template <class F>
void each_option(const Manual& manual, F f) {
    for (std::size_t i = 0; i < manual.option_count; ++i) {
        if (manual.options[i].help != nullptr) { f(manual.options[i]); }
    }
    for (const Option& option : kCommonOptions) { f(option); }
}

/// "-j", or "" where it has no letter.
std::string letter_of(const Option& option);
/// "--jobs".
std::string name_of(const Option& option);
/// "ipc" of "ipc stat"; "" of a name of one word.
std::string group_of(const Manual& manual);
/// "stat" of "ipc stat"; the whole of a name of one word.
std::string last_word(const Manual& manual);

/// Calls f(group) for each first word of commands of two.
template <class F>
void each_group(const Table& table, F f) {
    std::string last;
    for (const Command& command : table) {
        const std::string group = group_of(command.manual);
        if (!group.empty() && group != last) { f(group); }
        last = group;
    }
}

/// What completion offers for the value of an option: text is for the user to know.
enum class Value { none, text, file, folder, words };
Value value_of(const Option& option);
/// "a b c" of "a|b|c".
std::string words_of(const Option& option);

/// The text with each `from` replaced.
std::string replaced(std::string text, const std::string& from, const std::string& to);

}  // namespace pages
}  // namespace tool

#endif
