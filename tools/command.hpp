// What the subcommands of `brood` have in common.
#ifndef BROOD_TOOLS_COMMAND_HPP
#define BROOD_TOOLS_COMMAND_HPP

#include <cstddef>

namespace tool {

/// Exit statuses, as sha256sum's. Ended by a signal: 128 + its number, as the shell reports it.
enum ExitStatus : int {
    kSuccess = 0,
    kFailure = 1,  ///< Something was not done or did not match, or the usage was wrong.
};

/// What is to be done after a command line was read. finished: nothing, it was --help or the like;
/// refused: nothing, and why has been said.
enum class Parsed { run, finished, refused };

struct Manual;

/// `brood NAME ...`. arguments[0] is "brood NAME", for messages.
struct Command {
    const Manual& manual;
    int (*run)(int count, char** arguments);
};

/// All commands, by name.
extern const Command kCommands[];
extern const std::size_t kCommandCount;

/// Says where the usage is told, after what is wrong with it was said: Parsed::refused.
Parsed refuse_usage(const char* name) noexcept;
/// Of --version: Parsed::finished.
Parsed print_version() noexcept;

}  // namespace tool

#endif
