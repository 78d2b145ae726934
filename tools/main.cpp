// brood: the command. Finds the subcommand and hands over.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include <tools/command.hpp>
#include <tools/manual.hpp>
#include <tools/nearest.hpp>

namespace tool {
namespace {

void print_commands(std::FILE* to, const char* group) {
    const std::size_t length = std::strlen(group);
    for (std::size_t i = 0; i < kCommandCount; ++i) {
        const Manual& manual = kCommands[i].manual;
        if (std::strncmp(manual.name, group, length) != 0) { continue; }
        std::fprintf(to, "  %-9s %s\n", manual.name, manual.summary);
    }
}

void print_usage(std::FILE* to) {
    std::fputs(
        "Usage: brood COMMAND [ARGUMENT...]\n"
        "       brood COMMAND --help\n"
        "       brood --help | --version\n"
        "\n"
        "Work on many files and programs, in parallel, on a pool of processes; and see how\n"
        "processes and what they share are getting on.\n"
        "\n"
        "Commands:\n",
        to);
    print_commands(to, "");
}

bool is_help(const char* word) {
    return std::strcmp(word, "--help") == 0 || std::strcmp(word, "-h") == 0;
}

/// What was printed must also have arrived.
int finish_output() {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) { return kSuccess; }
    std::perror("brood: standard output");
    return kFailure;
}

/// The command of that name, or of that name and the next word.
const Command* find(const char* name, const char* next) {
    char both[64];
    std::snprintf(both, sizeof both, "%s %s", name, next);
    for (std::size_t i = 0; i < kCommandCount; ++i) {
        const char* const known = kCommands[i].manual.name;
        if (std::strcmp(known, name) == 0 || std::strcmp(known, both) == 0) {
            return &kCommands[i];
        }
    }
    return nullptr;
}

/// Whether it is the first of two words.
bool is_group(const char* name) {
    const std::size_t length = std::strlen(name);
    for (std::size_t i = 0; i < kCommandCount; ++i) {
        const char* const known = kCommands[i].manual.name;
        if (std::strncmp(known, name, length) == 0 && known[length] == ' ') { return true; }
    }
    return false;
}

/// `brood ipc`, and what is none of its commands behind it.
int run_group(int count, char** arguments) {
    char group[64];
    std::snprintf(group, sizeof group, "%s ", arguments[1]);
    if (count > 2 && is_help(arguments[2])) {
        std::printf("Usage: brood %sCOMMAND [ARGUMENT...]\n\n", group);
        print_commands(stdout, group);
        return finish_output();
    }
    std::fprintf(stderr, "brood %s: say what to do%s%s%s\n", arguments[1],
                 count > 2 ? ", not '" : "", count > 2 ? arguments[2] : "", count > 2 ? "'" : "");
    print_commands(stderr, group);
    return kFailure;
}

int refuse(const char* name) {
    Nearest nearest(name);
    char first[64];
    for (std::size_t i = 0; i < kCommandCount; ++i) {
        const char* const known = kCommands[i].manual.name;
        std::snprintf(first, sizeof first, "%.*s", static_cast<int>(std::strcspn(known, " ")),
                      known);
        nearest.offer(first);
    }
    std::fprintf(stderr,
                 "brood: there is no command '%s'. The nearest is '%s'; brood --help lists all.\n",
                 name, nearest.word());
    return kFailure;
}

/// Opens what of descriptors 0, 1, 2 is closed, the wrong way round, so that its use fails as it
/// should. Otherwise the next file that is opened would become standard output.
void occupy_standard_descriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) { continue; }
        const int opened = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        if (opened != fd) { _exit(kFailure); }  // No /dev/null: nothing can be said either.
    }
}

int run(int count, char** arguments) {
    occupy_standard_descriptors();
    if (count < 2) {
        print_usage(stderr);
        return kFailure;
    }
    const char* const name = arguments[1];
    if (is_help(name)) {
        print_usage(stdout);
        return finish_output();
    }
    if (std::strcmp(name, "--version") == 0) {
        static_cast<void>(print_version());
        return finish_output();
    }
    const Command* const command = find(name, count > 2 ? arguments[2] : "");
    if (command == nullptr) { return is_group(name) ? run_group(count, arguments) : refuse(name); }

    // Of a name of two words the second is an argument less.
    const bool has_two_words = std::strchr(command->manual.name, ' ') != nullptr;
    const int skipped = has_two_words ? 2 : 1;
    char title[64];
    std::snprintf(title, sizeof title, "brood %s", command->manual.name);
    arguments[skipped] = title;
    const int status = command->run(count - skipped, arguments + skipped);
    return finish_output() == kSuccess ? status : kFailure;
}

}  // namespace
}  // namespace tool

int main(int count, char** arguments) {
    return tool::run(count, arguments);
}
