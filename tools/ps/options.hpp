// The command line of `brood ps`.
#ifndef BROOD_TOOLS_PS_OPTIONS_HPP
#define BROOD_TOOLS_PS_OPTIONS_HPP

#include <cstdint>

#include <tools/manual.hpp>

namespace tool {

extern const Manual kPsManual;
int run_ps(int count, char** arguments);

struct PsOptions {
    bool pools = true;
    bool daemons = true;
    bool json = false;
    bool with_workers = false;
    bool watch = false;
    std::int64_t interval_ms = 1000;
};

Parsed parse_ps_options(int count, char** arguments, PsOptions& options) noexcept;

}  // namespace tool

#endif
