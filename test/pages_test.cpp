// Goal: man page and completion are what the one table of options says, and work.
// Method: what is kept in tools/pages is made anew, and compared; mandoc reads the page; a bash and
// a zsh complete command lines, of the true commands and of made-up ones, which have every kind of
// option and operand.
#include "sum_support.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <brood/manager.hpp>
#include <tools/pages/pages.hpp>

using test::Contents;
using test::prepare;
using test::run_script;
using tool::Manual;
using tool::Operands;
using tool::Option;
using tool::pages::Table;

namespace {

char g_kept[PATH_MAX];  ///< tools/pages.

const Table kTrue = {tool::kCommands, tool::kCommandCount};

constexpr Option kDoOptions[] = {
    {'n', "dry-run", nullptr, "only say: \"what [it] would do\", and 'why'"},
    {Option::kNoLetter, "in", "FOLDER", "where"},
    {Option::kNoLetter + 1, "secret", "N", nullptr},
};
const Manual kDo = {
    "do",
    "another program",
    "[-n] [--] PROGRAM [ARG...]",
    "Do: it.",
    kDoOptions,
    std::size(kDoOptions),
    "  a table\n  of two lines\n\nAnd e.g. more.\nWords\\ `as they are'.\n"
    "A line of words that are no options, but for one at its end --which-is-long-er for troff.",
    "its own",
    Operands::programs,
    true};
constexpr Option kPutOptions[] = {
    {'o', "order", "fifo|priority", "in which\n\nor another"},
    {'t', "time", "SECONDS", ".5 is a half"},
};
const Manual kPutAway = {
    "put away", "files",     "[-o ORDER] FILE...\n-a | [[-t SECONDS] FILE]... X[=Y]",
    "Files.",   kPutOptions, std::size(kPutOptions),
    "",         "0",         Operands::files,
    false};
const tool::Command kMadeUp[] = {{kDo, nullptr}, {kPutAway, nullptr}};
const Table kMadeUpTable = {kMadeUp, std::size(kMadeUp)};

/// A bash that says what the function of a script offers for each of its lines.
constexpr const char* kBash = R"sh(
source "$1"
while IFS= read -r line; do
    echo "> $line"
    read -ra COMP_WORDS <<<"${line//=/ = }"
    [[ $line != *' ' ]] || COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _brood brood "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    ((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
done
)sh";

/// The same of zsh: one at a terminal, to which lines and tabs are typed, and whose compadd tells.
constexpr const char* kZshInside = R"sh(
PS1=
unsetopt auto_list auto_menu beep
setopt extended_glob
fpath=($PWD $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
    local -a hits
    if [[ " ${@[1,(i)(-|--)]} " != *\ -[A-Za-z]#(O|A|D)\ * ]]; then
        builtin compadd -O hits "$@"
        ((!$#hits)) || print -rl -- $hits >>offered
    fi
    builtin compadd "$@"
}
offer() { _main_complete; echo '> end' >>offered }
zle -C offer complete-word offer
bindkey '^I' offer
echo '> end' >>offered
)sh";
constexpr const char* kZshOutside = R"sh(
zmodload zsh/zpty zsh/zselect
await() {  # so many ends
    local left=1000 said
    until (($(grep -c '^> end' offered) >= $1)); do
        ((--left)) || exit 1
        zpty -r -t shell said
        zselect -t 2
    done
}
: >offered
integer count=1
zpty shell zsh -f -i
zpty -w shell 'source ./inside.zsh'
await count
while IFS= read -r line; do
    print -r -- "> $line" >>offered
    zpty -w -n shell "$line"$'\t'
    await $((++count))
    zpty -w -n shell $'\x15'
done
zpty -d shell
)sh";

void write(const char* path, const std::string& text) {
    FILE* const file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data(), 1, text.size(), file), text.size());
    assert_int_equal(fclose(file), 0);
}

void write_page(const char* path, const Table& table, void (*page)(const Table&, FILE*)) {
    FILE* const file = fopen(path, "we");
    assert_non_null(file);
    page(table, file);
    assert_int_equal(fclose(file), 0);
}

bool is_installed(const char* program) {
    const std::string script = std::string("command -v ") + program + " > /dev/null";
    return run_script(script.c_str()) == 0;
}

using Words = std::set<std::string>;

/// "a b c".
Words words_of(const std::string& text) {
    Words words;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        words.insert(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

std::string text_of(const Words& words) {
    std::string text;
    for (const std::string& word : words) { text += " " + word; }
    return text;
}

enum class Shell { bash, zsh };

/// What a shell offers for each of these lines.
std::vector<Words> offers_of(Shell shell, const Table& table, const std::vector<std::string>& all) {
    std::string lines;
    for (const std::string& line : all) { lines += line + "\n"; }
    write("lines", lines);
    if (shell == Shell::bash) {
        write_page("brood.bash", table, tool::pages::write_bash);
        write("lines.bash", kBash);
        prepare("PATH=$PWD/bin:$PATH bash lines.bash ./brood.bash < lines > offered");
    } else {
        write_page("_brood", table, tool::pages::write_zsh);
        write("inside.zsh", kZshInside);
        write("outside.zsh", kZshOutside);
        prepare("PATH=$PWD/bin:$PATH zsh -f outside.zsh < lines");
    }
    const Contents offered("offered");
    std::vector<Words> offers;
    const std::string text = offered.text();
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        if (line == "> end" || line.empty()) { continue; }
        if (line[0] == '>') {
            offers.emplace_back();
        } else {
            offers.back().insert(line);
        }
    }
    assert_int_equal(offers.size(), all.size());
    return offers;
}

struct Row {
    std::string line, wanted;
    bool is_all;  ///< Nothing else is offered.
};

void check_rows(Shell shell, const Table& table, const std::vector<Row>& rows) {
    std::vector<std::string> lines;
    for (const Row& row : rows) { lines.push_back(row.line); }
    const std::vector<Words> offers = offers_of(shell, table, lines);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Words wanted = words_of(rows[i].wanted);
        const bool good = rows[i].is_all ? offers[i] == wanted
                                         : std::includes(offers[i].begin(), offers[i].end(),
                                                         wanted.begin(), wanted.end());
        if (good) { continue; }
        fail_msg("\"%s\": offered:%s; wanted:%s", rows[i].line.c_str(), text_of(offers[i]).c_str(),
                 rows[i].wanted.c_str());
    }
}

/// The options that a true command tells of, "-j --jobs -h --help".
std::string told_options(const char* command) {
    const std::string script =
        std::string("$BROOD ") + command +
        " --help | sed -nE 's/^  ((-[^-]), |    )(--[a-z-]+)([ =].*)?$/\\2 \\3/p'"
        " | tr -s ' \\n' ' ' > told";
    prepare(script.c_str());
    std::string told = Contents("told").text();
    assert_true(words_of(told).count("--help") == 1 && told.back() == ' ');
    told.pop_back();
    return told[0] == ' ' ? told.substr(1) : told;
}

/// For every option of every command. is_all: zsh offers a file that begins so, too.
std::vector<Row> rows_of_options(bool is_all) {
    std::vector<Row> rows;
    for (const tool::Command& command : kTrue) {
        const char* const name = command.manual.name;
        rows.push_back({std::string("brood ") + name + " -", told_options(name), is_all});
    }
    return rows;
}

constexpr const char* kName = "/brood-pages-test";

void complete_true_commands(Shell shell) {
    const auto manager = brood::Manager::create_named(kName, 1 << 20).expect("making a manager");
    std::vector<Row> rows = rows_of_options(shell == Shell::bash);
    const Row others[] = {
        {"brood ", "ipc ps sched study sum", false},
        {"brood su", "sum", true},
        {"brood ipc ", "stat", false},
        {"brood ipc stat /brood-pages-t", kName, true},
        {"brood ipc stat /brood-pages-$", "", false},
        {"brood sum fi", "file_one fiord", true},
        {"brood sum -j ", "", true},
        {"brood sum -j 2 fi", "file_one fiord", true},
        {"brood sum --jobs=2 fi", "file_one fiord", true},
        {"brood sum -- -", "-dash", true},
        {"brood sched --job", "", true},
        {"brood study kt", "ktv", true},
        {"brood study --trace kt", "ktv", true},
        {"brood study ktv k", "", true},
        {"brood study -T fi", "file_one fiord", true},
        {"brood study --timeline=fi", "file_one fiord", true},
        {"brood study --timeline=", "file_one", false},
        {"brood study --timeline=file_one kt", "ktv", true},
        {"brood nothing ", "", true},
    };
    rows.insert(rows.end(), std::begin(others), std::end(others));
    check_rows(shell, kTrue, rows);
    assert_int_equal(access("hurt", F_OK), -1);
}

void complete_made_up_commands(Shell shell) {
    check_rows(shell, kMadeUpTable,
               {
                   {"brood p", "put", true},
                   {"brood put ", "away", false},
                   {"brood do -", "-n --dry-run --in -h --help -V --version", false},
                   {"brood do --", "--dry-run --in --help --version", true},
                   {"brood do --in fi", "fiord", true},
                   {"brood do seq", "seq", false},
                   {"brood do -n seq", "seq", false},
                   {"brood do some fi", "file_one fiord", true},
                   {"brood do some -", "-dash", true},
                   {"brood put away --order f", "fifo", true},
                   {"brood put away --order=", "fifo priority", true},
                   {"brood put away -o pri", "priority", true},
                   {"brood put away --time ", "", true},
                   {"brood put away file_one --time 2 fi", "file_one fiord", true},
               });
}

// ---- The tests ---------------------------------------------------------------------------------

void what_is_kept_is_what_the_table_says(void**) {
    const struct {
        const char* name;
        void (*write)(const Table&, FILE*);
    } pages[] = {{"brood.1", tool::pages::write_man},
                 {"brood.bash", tool::pages::write_bash},
                 {"_brood", tool::pages::write_zsh}};
    for (const auto& page : pages) {
        write_page("anew", kTrue, page.write);
        const std::string script = std::string("diff -u '") + g_kept + "/" + page.name +
                                   "' anew >&2";
        if (run_script(script.c_str()) != 0) { fail_msg("%s: run make pages", page.name); }
    }
}

void mandoc_finds_no_fault_with_the_page(void**) {
    if (!is_installed("mandoc")) { return test::not_run("mandoc -T lint", "no mandoc"); }
    for (const Table* const table : {&kTrue, &kMadeUpTable}) {
        write_page("brood.1", *table, tool::pages::write_man);
        // Of whose system it is, and whether that has the pages it refers to, it knows nothing.
        prepare(
            "mandoc -T lint brood.1 2> errors | grep -vE ' Os |referenced manual' > found;"
            "cat errors | grep -v mandoc.db >> found || true");
        assert_string_equal(Contents("found").text(), "");
    }
}

void the_page_tells_all_that_help_tells(void**) {
    if (!is_installed("mandoc")) { return test::not_run("the page as shown", "no mandoc"); }
    write_page("brood.1", kTrue, tool::pages::write_man);
    prepare("mandoc -T ascii -O width=900 brood.1 | sed 's/.\x08//g' > page");
    for (const tool::Command& command : kTrue) {
        const std::string name = command.manual.name;
        const std::string script =
            "awk '/^[A-Z]/ {inside = 0} /^   [a-z]/ {inside = $0 == \"   brood " + name +
            "\"} inside || /^ *-[hV], / {print}' page | tr '\n' ' ' | tr -s ' ' > section && "
            "$BROOD " +
            name + " --help | tr '\n' ' ' | tr -s ' ' > help";
        prepare(script.c_str());
        const Contents section("section"), help("help");
        for (const std::string& option : words_of(told_options(name.c_str()))) {
            const std::string ends[] = {option + " ", option + ",", option + "="};
            if (std::none_of(std::begin(ends), std::end(ends),
                             [&](const std::string& with) { return section.has(with.c_str()); })) {
                fail_msg("brood %s: no %s in:\n%s", name.c_str(), option.c_str(), section.text());
            }
        }
        for (const char* const text : {command.manual.purpose, command.manual.status}) {
            const std::string words(text, strcspn(text, ".\n"));  // One sentence.
            if (!section.has(words.c_str())) { fail_msg("brood %s: no %s", name.c_str(), text); }
            assert_true(help.has(words.c_str()));
        }
    }
}

void the_page_shows_odd_words_as_they_are(void**) {
    if (!is_installed("mandoc")) { return test::not_run("the page as shown", "no mandoc"); }
    write_page("brood.1", kMadeUpTable, tool::pages::write_man);
    prepare("mandoc -T ascii brood.1 | sed 's/.\x08//g' > page");
    for (const char* const shown :
         {"brood do [-n] [--] PROGRAM [ARG...]\n", "brood put away [-o ORDER] FILE...\n",
          "brood put away -a | [[-t SECONDS] FILE]... X[=Y]\n", "     -n, --dry-run\n",
          "\"what [it] would do\", and 'why'", "  a table\n", "  of two lines\n", ".5 is a half",
          "Words\\ `as they are'.", "-o, --order=fifo|priority\n"}) {
        test::assert_has("page", shown);
    }
    assert_null(strstr(Contents("page").text(), "secret"));
}

void bash_completes(void**) {
    complete_true_commands(Shell::bash);
    complete_made_up_commands(Shell::bash);
}

void zsh_completes(void**) {
    if (!is_installed("zsh")) { return test::not_run("completion in zsh", "no zsh"); }
    complete_true_commands(Shell::zsh);
    complete_made_up_commands(Shell::zsh);
    check_rows(Shell::zsh, kTrue, {{"brood study -Tfi", "file_one fiord", true}});
}

int enter(void** state) {
    const bool is_here = realpath("tools/pages", g_kept) != nullptr;
    if (!is_here) { print_error("run it where the sources are\n"); }
    return is_here ? test::enter_folder(state) : -1;
}

/// Also a name that must not be taken for a command, and the command under its name.
int lay_out(void** state) {
    const int emptied = test::empty_folder(state);
    prepare(
        "mkdir fiord bin && touch file_one ./-dash '/dev/shm/brood-pages-$(touch hurt)' &&"
        "printf '#!/bin/sh\\nexec %s \"$@\"\\n' \"$BROOD\" > bin/brood && chmod +x bin/brood");
    return emptied;
}

int clean_up(void**) {
    (void)brood::Manager::remove(kName);  // Where a test has failed.
    prepare("rm '/dev/shm/brood-pages-$(touch hurt)'");
    return 0;
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_kept_is_what_the_table_says, test::empty_folder),
        cmocka_unit_test_setup(mandoc_finds_no_fault_with_the_page, test::empty_folder),
        cmocka_unit_test_setup(the_page_tells_all_that_help_tells, test::empty_folder),
        cmocka_unit_test_setup(the_page_shows_odd_words_as_they_are, test::empty_folder),
        cmocka_unit_test_setup_teardown(bash_completes, lay_out, clean_up),
        cmocka_unit_test_setup_teardown(zsh_completes, lay_out, clean_up),
    };
    return cmocka_run_group_tests(tests, enter, test::leave_folder);
}
