// brood: the command. Finds the subcommand and hands over.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <brood/version.hpp>
#include <tools/command.hpp>

namespace tool {
namespace {

constexpr Command kCommands[] = {
    {"ipc", "what a manager with a name holds", run_ipc},
    {"ps", "the pools of this user that are announced, and how they are getting on", run_ps},
    {"sched", "the scheduling policies of the textbooks, on real processes", run_sched},
    {"sum", "SHA-256 of every file below some paths, or the check of a list of them", run_sum},
};

void print_usage(std::FILE* to) {
    std::fputs(
        "Usage: brood COMMAND [ARGUMENT...]\n"
        "       brood COMMAND --help\n"
        "       brood --help | --version\n"
        "\n"
        "Work on many files and programs, in parallel, on a pool of processes.\n"
        "\n"
        "Commands:\n",
        to);
    for (const Command& command : kCommands) {
        std::fprintf(to, "  %-8s %s\n", command.name, command.summary);
    }
}

/// How many letters must be inserted, left out or replaced to turn one word into the other.
/// Words longer than kWordMax count as far from everything.
std::size_t distance(const char* from, const char* to) {
    constexpr std::size_t kWordMax = 31;
    const std::size_t from_length = std::strlen(from), to_length = std::strlen(to);
    if (from_length > kWordMax || to_length > kWordMax) { return kWordMax; }

    std::size_t row[kWordMax + 1];  // row[j]: from the first i letters to the first j
    for (std::size_t j = 0; j <= to_length; ++j) { row[j] = j; }
    for (std::size_t i = 1; i <= from_length; ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= to_length; ++j) {
            const std::size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min(replaced, std::min(row[j - 1], row[j]) + 1);
        }
    }
    return row[to_length];
}

const Command* find(const char* name) {
    for (const Command& command : kCommands) {
        if (std::strcmp(command.name, name) == 0) { return &command; }
    }
    return nullptr;
}

int refuse(const char* name) {
    const Command* nearest = &kCommands[0];
    for (const Command& command : kCommands) {
        if (distance(name, command.name) < distance(name, nearest->name)) { nearest = &command; }
    }
    std::fprintf(stderr,
                 "brood: there is no command '%s'. The nearest is '%s'; brood --help lists all.\n",
                 name, nearest->name);
    return kFailure;
}

/// What was printed must also have arrived.
int finish_output() {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) { return kSuccess; }
    std::perror("brood: standard output");
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
    if (std::strcmp(name, "--help") == 0 || std::strcmp(name, "-h") == 0) {
        print_usage(stdout);
        return finish_output();
    }
    if (std::strcmp(name, "--version") == 0) {
        std::printf("brood %s\n", brood::version());
        return finish_output();
    }
    const Command* const command = find(name);
    if (command == nullptr) { return refuse(name); }

    char title[64];
    std::snprintf(title, sizeof title, "brood %s", command->name);
    arguments[1] = title;
    const int status = command->run(count - 1, arguments + 1);
    return finish_output() == kSuccess ? status : kFailure;
}

}  // namespace
}  // namespace tool

int main(int count, char** arguments) {
    return tool::run(count, arguments);
}
