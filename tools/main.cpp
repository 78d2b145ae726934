// brood: the command. Finds the subcommand and hands over.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include <tools/command.hpp>
#include <tools/nearest.hpp>

namespace tool {
namespace {

constexpr Command kCommands[] = {
    {"ipc", "what a manager with a name holds", run_ipc},
    {"ps", "the pools of this user that are announced, and how they are getting on", run_ps},
    {"sched", "the scheduling policies of the textbooks, on real processes", run_sched},
    {"study", "run an example, and see the system calls of each process, or a picture", run_study},
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

const Command* find(const char* name) {
    for (const Command& command : kCommands) {
        if (std::strcmp(command.name, name) == 0) { return &command; }
    }
    return nullptr;
}

int refuse(const char* name) {
    Nearest nearest(name);
    for (const Command& command : kCommands) { nearest.offer(command.name); }
    std::fprintf(stderr,
                 "brood: there is no command '%s'. The nearest is '%s'; brood --help lists all.\n",
                 name, nearest.word());
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
        static_cast<void>(print_version());
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
