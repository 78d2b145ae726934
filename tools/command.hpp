// What the subcommands of `brood` have in common.
#ifndef BROOD_TOOLS_COMMAND_HPP
#define BROOD_TOOLS_COMMAND_HPP

namespace tool {

/// Exit statuses, as sha256sum's. Ended by a signal: 128 + its number, as the shell reports it.
enum ExitStatus : int {
    kSuccess = 0,
    kFailure = 1,  ///< Something was not done or did not match, or the usage was wrong.
};

/// What is to be done after a command line was read. finished: nothing, it was --help or the like;
/// refused: nothing, and why has been said.
enum class Parsed { run, finished, refused };

/// `brood NAME ...`. arguments[0] is "brood NAME", for messages.
struct Command {
    const char* name;
    const char* summary;
    int (*run)(int count, char** arguments);
};

/// Says where the usage is told, after what is wrong with it was said: Parsed::refused.
Parsed refuse_usage(const char* name) noexcept;
/// Of --version: Parsed::finished.
Parsed print_version() noexcept;

int run_ipc(int count, char** arguments);
int run_ps(int count, char** arguments);
int run_sched(int count, char** arguments);
int run_study(int count, char** arguments);
int run_sum(int count, char** arguments);

}  // namespace tool

#endif
