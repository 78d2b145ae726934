// Where each SRC goes, and what is refused before anything is done.
#ifndef BROOD_TOOLS_COPY_TARGET_HPP
#define BROOD_TOOLS_COPY_TARGET_HPP

#include <sys/stat.h>

#include <tools/copy/options.hpp>
#include <tools/output.hpp>
#include <tools/walk.hpp>

namespace tool::copy {

/// The DST of a command line.
class Destination {
public:
    explicit Destination(Output& output) noexcept : output_(output) {}

    /// Looks at it. False: what is asked cannot be, and that has been said.
    bool look(const Options& options) noexcept;
    /// Where the SRC goes: as cp has it. False: it cannot go there, and that has been said.
    bool find_target(const char* source, char (&target)[kPathBytes]) noexcept;
    /// The folder that the targets are in: until the next call of find_target().
    const char* folder() noexcept;

private:
    bool has_twice(const Options& options) noexcept;
    bool refuse(const char* source, const char* what) noexcept;
    bool is_allowed(const char* source, const struct stat& status, const char* target) noexcept;

    Output& output_;
    const char* path_ = nullptr;
    bool is_folder_ = false;
    char folder_[kPathBytes] = "";
};

}  // namespace tool::copy

#endif
