// What completes command lines in bash.
#include <tools/pages/pages.hpp>

namespace tool {
namespace pages {
namespace {

constexpr const char* kBegin = R"sh(# bash completion for brood. Written by `make pages` from the
# table of options: change that.

_brood_offer() {
    case $1 in
        files) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        folders) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
        programs) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word") ;;
    esac
    case $1 in
        files | folders) compopt -o filenames 2>/dev/null ;;
    esac
}

# Names that may be anybody's, which compgen -W would expand.
_brood_offer_names() {
    local name
    while IFS= read -r name; do
        [[ $name != "$word"* ]] || COMPREPLY+=("$(printf %q "$name")")
    done
}

_brood_examples() {
    "$brood" study 2>/dev/null | sed -n 's/^ *[0-9][0-9]*  *\([a-z0-9_]*\)  *[^ ].*/\1/p'
}

_brood_objects() {
    %OBJECTS%
}

_brood() {
    local brood=$1 word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-} at=2
    local options='' valued='' operands='' stops='' option='' ended='' count=0
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _brood_offer '%FIRST%'
        return
    fi
)sh";

constexpr const char* kWalk = R"sh(
    # Whether the word is the value of the option before it, or stands where there are no options.
    for ((; at < COMP_CWORD; ++at)); do
        local past=${COMP_WORDS[at]}
        if [[ -n $option ]]; then
            [[ $past == '=' ]] || option=''
        elif [[ -z $ended && $past == -- ]]; then
            ended=1
        elif [[ -z $ended && $past == -?* ]]; then
            [[ " $valued " != *" $past "* ]] || option=$past
        else
            ((++count))
            [[ -z $stops ]] || ended=1
        fi
    done
    if [[ -n $option ]]; then
        [[ $word != '=' ]] || word=''
        case "$command $option" in
)sh";

constexpr const char* kEnd = R"sh(        esac
        return
    fi
    if [[ -z $ended && $word == -* ]]; then
        _brood_offer "$options"
        return
    fi
    case $operands in
        files) _brood_offer files ;;
        programs) if ((count == 0)); then _brood_offer programs; else _brood_offer files; fi ;;
        examples) ((count > 0)) || _brood_offer_names < <(_brood_examples) ;;
        objects) _brood_offer_names < <(_brood_objects) ;;
    esac
}

complete -F _brood brood
)sh";

constexpr const char* kOfList = R"sh("$brood" ipc ls 2>/dev/null |
        awk '{for (i = 1; i <= NF; ++i) if ($i ~ "^/") {print $i; next}}')sh";
constexpr const char* kOfFolder = R"sh(local path
    for path in /dev/shm/*; do [[ ! -e $path ]] || echo "${path#/dev/shm}"; done)sh";

const char* operands_of(const Manual& manual) {
    switch (manual.operands) {
        case Operands::files: return "files";
        case Operands::programs: return "programs";
        case Operands::examples: return "examples";
        case Operands::objects: return "objects";
        case Operands::none: break;
    }
    return "";
}

/// The first words there are, and "--help --version" behind them.
std::string first_words(const Table& table) {
    std::string words;
    each_group(table, [&](const std::string& group) { words += group + " "; });
    for (const Command& command : table) {
        if (group_of(command.manual).empty()) { words += std::string(command.manual.name) + " "; }
    }
    return words + "--help --version";
}

void write_groups(const Table& table, std::FILE* to) {
    std::fputs("    case $command in\n", to);
    each_group(table, [&](const std::string& group) {
        std::string words;
        for (const Command& command : table) {
            if (group_of(command.manual) == group) { words += last_word(command.manual) + " "; }
        }
        std::fprintf(to,
                     "        %s)\n"
                     "            if ((COMP_CWORD == 2)); then\n"
                     "                _brood_offer '%s--help'\n"
                     "                return\n"
                     "            fi\n"
                     "            command+=\" ${COMP_WORDS[2]}\"\n"
                     "            at=3\n"
                     "            ;;\n",
                     group.c_str(), words.c_str());
    });
    std::fputs("    esac\n", to);
}

void write_command(const Manual& manual, std::FILE* to) {
    std::string options, valued;
    each_option(manual, [&](const Option& option) {
        const std::string letter = letter_of(option);
        const std::string names = (letter.empty() ? "" : letter + " ") + name_of(option) + " ";
        options += names;
        valued += option.value != nullptr ? names : "";
    });
    options.pop_back();
    std::fprintf(to, "        '%s')\n            options='%s'\n", manual.name, options.c_str());
    if (!valued.empty()) {
        valued.pop_back();
        std::fprintf(to, "            valued='%s'\n", valued.c_str());
    }
    if (manual.operands != Operands::none) {
        std::fprintf(to, "            operands=%s\n", operands_of(manual));
    }
    if (manual.stops_at_operand) { std::fputs("            stops=1\n", to); }
    std::fputs("            ;;\n", to);
}

/// Of text nothing can be offered.
void write_values(const Manual& manual, std::FILE* to) {
    each_option(manual, [&](const Option& option) {
        const Value value = value_of(option);
        if (value == Value::none || value == Value::text) { return; }
        const std::string letter = letter_of(option);
        std::fputs("            ", to);
        if (!letter.empty()) { std::fprintf(to, "'%s %s' | ", manual.name, letter.c_str()); }
        std::fprintf(to, "'%s %s') _brood_offer ", manual.name, name_of(option).c_str());
        if (value == Value::words) {
            std::fprintf(to, "'%s' ;;\n", words_of(option).c_str());
        } else {
            std::fputs(value == Value::file ? "files ;;\n" : "folders ;;\n", to);
        }
    });
}

}  // namespace

void write_bash(const Table& table, std::FILE* to) {
    const char* const objects = table.has("ipc ls") ? kOfList : kOfFolder;
    const std::string begin =
        replaced(replaced(kBegin, "%FIRST%", first_words(table)), "%OBJECTS%", objects);
    std::fputs(begin.c_str(), to);
    write_groups(table, to);
    std::fputs("    case $command in\n", to);
    for (const Command& command : table) { write_command(command.manual, to); }
    std::fputs("        *) return ;;\n    esac\n", to);
    std::fputs(kWalk, to);
    for (const Command& command : table) { write_values(command.manual, to); }
    std::fputs(kEnd, to);
}

}  // namespace pages
}  // namespace tool
