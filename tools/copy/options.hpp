// The command line of `brood copy`.
#ifndef BROOD_TOOLS_COPY_OPTIONS_HPP
#define BROOD_TOOLS_COPY_OPTIONS_HPP

#include <cstdint>

#include <tools/manual.hpp>

namespace tool {

extern const Manual kCopyManual;
int run_copy(int count, char** arguments);

namespace copy {

/// Whether blocks of the source are shared with the copy instead of copied.
enum class Reflink : unsigned char { automatic, never, always };

struct Options {
    std::uint32_t workers = 0;
    bool verbose = false, fsync = false, verify = false;
    Reflink reflink = Reflink::automatic;
    char* const* sources = nullptr;
    int source_count = 0;
    const char* destination = nullptr;
};

Parsed parse_options(int count, char** arguments, Options& options) noexcept;

}  // namespace copy
}  // namespace tool

#endif
