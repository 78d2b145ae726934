// The man page, in mdoc.
#include <tools/pages/pages.hpp>

#include <algorithm>
#include <cctype>
#include <cstring>

#include <brood/version.hpp>

namespace tool {
namespace pages {
namespace {

/// When its words were last read as a whole.
constexpr const char* kDate = "December 1, 2026";

constexpr const char* kBegin = R"(.Sh NAME
.Nm brood
.Nd work on files in parallel, and see how processes are getting on
.Sh SYNOPSIS
.Nm
.Ar command
.Op Ar argument ...
.Nm
.Ar command
.Fl -help
.Nm
.Fl -help | -version
.Sh DESCRIPTION
.Nm
works on many files and programs, in parallel, on a pool of processes; and it
shows how processes, and what they share, are getting on.
It is made of the library of the same name, which gives C++ programs what
Python's multiprocessing gives Python programs.
.Pp
)";

constexpr const char* kEnd = R"(.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev BROOD_PACE
How long an example takes, as a share of its time: 0.1 is a tenth.
.It Ev BROOD_TRACE
Each system call of the library in an example is written to this file, or to
standard error if it is 1.
Of a program of one's own, too, if it is linked with
.Pa libbrood-traced.a .
.It Ev LC_ALL , LC_MESSAGES , LANG
Examples speak Chinese if the first that is set begins with zh.
.It Ev TMPDIR
Where
.Nm Cm study
keeps a trace while it draws it.
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa /dev/shm
What has a name: queues, managers, shared memory.
.It Pa /dev/shm/brood-pool-*
The pools that are announced.
.It Pa ../libexec/brood
The examples, beside the folder of the command.
.El
.Sh EXIT STATUS
0 if all was done, 1 if something was not done or the usage was wrong; what
else there is stands with each command.
.Sh EXAMPLES
The sums of a tree, by four processes; and whether they still are the same:
.Bd -literal -offset indent
brood sum -j 4 /usr/include > list
brood sum -c list
.Ed
.Pp
Pools, with each of their workers, again and again:
.Pp
.Dl brood ps -l -w
.Pp
Four places, ten people: each system call, and a picture:
.Bd -literal -offset indent
brood study ktv --trace
brood study ktv --timeline=ktv.svg
.Ed
.Pp
Three jobs under five policies:
.Pp
.Dl brood sched A:0:5,10,5 B:1:20 C:2:3
.Sh SEE ALSO
.Xr sha256sum 1 ,
.Xr strace 1 ,
.Xr mq_overview 7 ,
.Xr sem_overview 7 ,
.Xr shm_overview 7
)";

/// Writes words into lines: none longer than there is room for, none within which a sentence ends.
class Prose {
public:
    explicit Prose(std::FILE* to) : to_(to) {}

    /// Paragraphs as in Manual.
    void text(const std::string& text) {
        bool is_first = true, is_literal = false, is_apart = false;
        for (std::size_t at = 0; at <= text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            const std::string line = text.substr(at, end - at);
            at = end + 1;
            if (is_literal != (line[0] == ' ')) {
                std::fputs(is_literal ? ".Ed\n" : ".Bd -literal\n", to_);
                is_literal = !is_literal;
            }
            if (is_literal) {
                std::fprintf(to_, "%s\n", escaped(line.substr(1), false).c_str());
            } else if (!line.empty()) {
                if (!is_first && is_apart) { std::fputs(".Pp\n", to_); }
                paragraph(line);
            }
            is_apart = line.empty() || !is_literal;
            is_first = false;
        }
        if (is_literal) { std::fputs(".Ed\n", to_); }
    }

    /// What troff would take for its own is said in its words; hyphens of options stay what they
    /// are, so that they can be copied.
    static std::string escaped(const std::string& word, bool begins_line) {
        std::string out;
        const bool is_option = word.find_first_not_of("\"'`([|") != std::string::npos &&
                               word[word.find_first_not_of("\"'`([|")] == '-';
        for (const char c : word) {
            switch (c) {
                case '\\': out += "\\e"; break;
                case '`': out += "\\(ga"; break;
                case '\'': out += "\\(aq"; break;
                case '~': out += "\\(ti"; break;
                case '^': out += "\\(ha"; break;
                case '-': out += is_option ? "\\-" : "-"; break;
                default: out += c;
            }
        }
        return begins_line && out[0] == '.' ? "\\&" + out : out;
    }

private:
    static constexpr std::size_t kWidth = 78;

    void paragraph(const std::string& line) {
        std::size_t column = 0;
        for (std::size_t at = 0; at < line.size();) {
            const std::size_t end = std::min(line.find(' ', at), line.size());
            const std::string word = line.substr(at, end - at);
            at = end + 1;
            if (column > 0 && column + 1 + escaped(word, false).size() > kWidth) {
                std::fputc('\n', to_);
                column = 0;
            }
            const std::string shown = escaped(word, column == 0);
            column += static_cast<std::size_t>(
                std::fprintf(to_, "%s%s", column > 0 ? " " : "", shown.c_str()));
            if (ends_sentence(word) && at < line.size()) {
                std::fputc('\n', to_);
                column = 0;
            }
        }
        std::fputc('\n', to_);
    }
    static bool ends_sentence(const std::string& word) {
        const std::size_t last = word.find_last_not_of("\"')");
        return last != std::string::npos && std::strchr(".?!", word[last]) != nullptr;
    }

    std::FILE* const to_;
};

/// An argument of a macro, with the hyphens that it shall have. A sign alone means no punctuation.
std::string argument(const std::string& word) {
    const bool is_sign = word.size() == 1 && std::ispunct(static_cast<unsigned char>(word[0])) != 0;
    return (is_sign ? "\\&" : "") + replaced(replaced(word, "\\", "\\e"), "-", "\\-");
}

/// A word of a usage, as the arguments of a line of macros.
std::string usage_word(const std::string& word) {
    if (word[0] != '-') {
        return (std::isupper(static_cast<unsigned char>(word[0])) != 0 ? "Ar " : "No ") +
               argument(word);
    }
    const std::size_t equals = word.find('=');
    const std::string option = "Fl " + argument(word.substr(1, equals - 1));
    if (equals == std::string::npos) { return option; }
    return option + " Ns = Ns Ar " + argument(word.substr(equals + 1));
}

/// One form of a usage: what is apart is in a line of its own.
void write_form(const std::string& form, std::FILE* to) {
    std::string lines;
    for (std::size_t at = 0, end = 0; at < form.size(); at = end) {
        const char c = form[at];
        const bool is_sign = std::strchr(" []", c) != nullptr;
        end = is_sign ? at + 1 : std::min(form.find_first_of(" []", at), form.size());
        if (c == ' ') { continue; }
        const bool is_glued = c != ']' && at > 0 && std::strchr(" [", form[at - 1]) == nullptr;
        lines += is_glued ? " Ns " : "\n.";
        lines += c == '[' ? "Oo" : c == ']' ? "Oc" : usage_word(form.substr(at, end - at));
    }
    std::fprintf(to, "%s\n", lines.c_str());
}

void write_usage(const Manual& manual, std::FILE* to) {
    std::fputs(".Bl -item -offset indent -compact\n", to);
    for (const char* form = manual.usage;; ++form) {
        const std::size_t length = std::strcspn(form, "\n");
        std::fprintf(to, ".It\n.Nm Cm %s", manual.name);
        write_form(std::string(form, length), to);
        form += length;
        if (*form == '\0') { break; }
    }
    std::fputs(".El\n", to);
}

void write_option(const Option& option, std::FILE* to) {
    const std::string letter = letter_of(option);
    std::fputs(".It ", to);
    if (!letter.empty()) { std::fprintf(to, "Fl %c , ", option.key); }
    std::fprintf(to, "Fl -%s", argument(option.name).c_str());
    if (option.value != nullptr) {
        std::fprintf(to, " Ns = Ns Ar %s", argument(option.value).c_str());
    }
    std::fputc('\n', to);
    Prose(to).text(option.help);
}

void write_options(const Option* options, std::size_t count, std::FILE* to) {
    bool is_open = false;
    for (std::size_t i = 0; i < count; ++i) {
        if (options[i].help == nullptr) { continue; }
        if (!is_open) { std::fputs(".Bl -tag -width Ds\n", to); }
        is_open = true;
        write_option(options[i], to);
    }
    if (is_open) { std::fputs(".El\n", to); }
}

void write_command(const Manual& manual, std::FILE* to) {
    std::fprintf(to, ".Ss brood %s\n", manual.name);
    write_usage(manual, to);
    std::fputs(".Pp\n", to);
    Prose(to).text(manual.purpose);
    write_options(manual.options, manual.option_count, to);
    if (manual.remarks[0] != '\0') {
        if (manual.remarks[0] != ' ') { std::fputs(".Pp\n", to); }
        Prose(to).text(manual.remarks);
    }
    std::fputs(".Pp\n", to);
    Prose(to).text(std::string("Exit status: ") + manual.status);
}

}  // namespace

void write_man(const Table& table, std::FILE* to) {
    std::fputs(".\\\" Written by `make pages` from the table of options: change that.\n", to);
    std::fprintf(to, ".Dd %s\n.Dt BROOD 1\n.Os brood %s\n", kDate, brood::kVersion);
    std::fputs(kBegin, to);
    std::fputs("The commands are:\n.Bl -tag -width Ds\n", to);
    for (const Command& command : table) {
        std::fprintf(to, ".It Cm %s\n", command.manual.name);
        Prose(to).text(command.manual.summary);
    }
    std::fputs(".El\n.Pp\nEach of them takes, too:\n", to);
    write_options(kCommonOptions, std::size(kCommonOptions), to);
    std::fputs(".Sh COMMANDS\n", to);
    for (const Command& command : table) { write_command(command.manual, to); }
    std::fputs(kEnd, to);
}

}  // namespace pages
}  // namespace tool
