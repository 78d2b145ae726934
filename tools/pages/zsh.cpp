// What completes command lines in zsh.
#include <tools/pages/pages.hpp>

namespace tool {
namespace pages {
namespace {

constexpr const char* kBegin = R"sh(#compdef brood
# zsh completion for brood. Written by `make pages` from the table
# of options: change that.

_brood_examples() {
    local -a examples
    examples=(${(f)"$("$brood" study 2>/dev/null |
        sed -n 's/^ *[0-9][0-9]*  *\([a-z0-9_]*\)  *\([^ ].*\)/\1:\2/p')"})
    _describe -t examples example examples
}

_brood_objects() {
    local -a objects
    %OBJECTS%
    compadd -a objects
}

)sh";

constexpr const char* kOfList = R"sh(objects=(${(f)"$("$brood" ipc ls 2>/dev/null |
        awk '{for (i = 1; i <= NF; ++i) if ($i ~ "^/") {print $i; next}}')"}))sh";
constexpr const char* kOfFolder = R"sh(objects=(/dev/shm/*(N))
    objects=(${objects#/dev/shm}))sh";

constexpr const char* kEnd = R"sh(
_brood() {
    local curcontext=$curcontext brood=$words[1] group='' command
    if ((CURRENT == 2)); then
        _brood_first
        return
    fi
    command=$words[2]
    shift words
    ((--CURRENT))
    if (($+functions[_brood_group_$command])); then
        if ((CURRENT == 2)); then
            _brood_group_$command
            return
        fi
        group=$command- command=$words[2]
        shift words
        ((--CURRENT))
    fi
    curcontext=${curcontext%:*:*}:brood-$group$command:
    (($+functions[_brood-$group$command])) && _brood-$group$command
}

_brood "$@"
)sh";

/// Within single quotes.
std::string quoted(const std::string& text) {
    return replaced(text, "'", "'\\''");
}

/// What stands between the colons of a specification.
std::string plain(const std::string& text) {
    return quoted(replaced(replaced(text, "\\", "\\\\"), ":", "\\:"));
}

/// What stands in its brackets.
std::string explained(const std::string& text) {
    return replaced(replaced(replaced(plain(text), "[", "\\["), "]", "\\]"), "\n", " ");
}

std::string action_of(const Option& option) {
    switch (value_of(option)) {
        case Value::file: return "_files";
        case Value::folder: return "_files -/";
        case Value::words: return "(" + words_of(option) + ")";
        case Value::text:
        case Value::none: break;
    }
    return " ";
}

void write_option(const Option& option, bool is_common, std::FILE* to) {
    const std::string letter = letter_of(option), name = name_of(option);
    const bool has_value = option.value != nullptr;
    std::fputs(" \\\n        ", to);
    if (is_common) {
        std::fputs("'(- *)'", to);
    } else if (!letter.empty()) {
        std::fprintf(to, "'(%s %s)'", letter.c_str(), name.c_str());
    }
    const std::string long_form = name + (has_value ? "=" : "");
    if (letter.empty()) {
        std::fprintf(to, "%s", long_form.c_str());
    } else {
        std::fprintf(to, "{%s%s,%s}", letter.c_str(), has_value ? "+" : "", long_form.c_str());
    }
    std::fprintf(to, "'[%s]", explained(option.help).c_str());
    if (has_value) {
        std::fprintf(to, ":%s:%s", plain(option.value).c_str(), action_of(option).c_str());
    }
    std::fputc('\'', to);
}

const char* operands_of(const Manual& manual) {
    switch (manual.operands) {
        case Operands::files: return "'*:file:_files'";
        case Operands::examples: return "'1:example:_brood_examples' '*:argument: '";
        case Operands::objects: return "'*:object:_brood_objects'";
        case Operands::programs:
            return manual.stops_at_operand ? "'1:program:_command_names -e' '*::argument:_normal'"
                                           : "'1:program:_command_names -e' '*:argument:_files'";
        case Operands::none: break;
    }
    return "'*:argument: '";
}

/// "ipc-stat".
std::string joined(const Manual& manual) {
    return replaced(manual.name, " ", "-");
}

void write_command(const Manual& manual, std::FILE* to) {
    std::fprintf(to, "_brood-%s() {\n    _arguments -s -S", joined(manual).c_str());
    each_option(manual, [&](const Option& option) {
        const bool is_common = &option >= kCommonOptions &&
                               &option < kCommonOptions + std::size(kCommonOptions);
        write_option(option, is_common, to);
    });
    std::fprintf(to, " \\\n        %s\n}\n\n", operands_of(manual));
}

/// A function that offers words, each with what it is.
template <class F>
void write_words(const char* function, const char* more, std::FILE* to, F write) {
    std::fprintf(to, "%s() {\n    local -a known\n    known=(\n", function);
    write();
    std::fprintf(to,
                 "    )\n"
                 "    _arguments '(- *)'{-h,--help}'[print what there is and end]'%s \\\n"
                 "        ':command:{_describe -t commands command known}'\n"
                 "}\n",
                 more);
}

void write_word(const std::string& word, const char* summary, std::FILE* to) {
    std::fprintf(to, "        '%s:%s'\n", word.c_str(), plain(summary).c_str());
}

/// "ls, rm, stat" of "ipc".
std::string last_words(const Table& table, const std::string& group) {
    std::string words;
    for (const Command& command : table) {
        if (group_of(command.manual) != group) { continue; }
        words += (words.empty() ? "" : ", ") + last_word(command.manual);
    }
    return words;
}

}  // namespace

void write_zsh(const Table& table, std::FILE* to) {
    const char* const objects = table.has("ipc ls") ? kOfList : kOfFolder;
    std::fputs(replaced(kBegin, "%OBJECTS%", objects).c_str(), to);
    for (const Command& command : table) { write_command(command.manual, to); }
    each_group(table, [&](const std::string& group) {
        write_words(("_brood_group_" + group).c_str(), "", to, [&] {
            for (const Command& command : table) {
                if (group_of(command.manual) != group) { continue; }
                write_word(last_word(command.manual), command.manual.summary, to);
            }
        });
        std::fputc('\n', to);
    });
    write_words("_brood_first", " \\\n        '(- *)'--version'[print the version and end]'", to,
                [&] {
                    each_group(table, [&](const std::string& group) {
                        write_word(group, last_words(table, group).c_str(), to);
                    });
                    for (const Command& command : table) {
                        if (!group_of(command.manual).empty()) { continue; }
                        write_word(command.manual.name, command.manual.summary, to);
                    }
                });
    std::fputs(kEnd, to);
}

}  // namespace pages
}  // namespace tool
