// The command line of `brood sum`.
#ifndef BROOD_TOOLS_SUM_OPTIONS_HPP
#define BROOD_TOOLS_SUM_OPTIONS_HPP

#include <cstdint>

#include <tools/manual.hpp>

namespace tool {

extern const Manual kSumManual;
int run_sum(int count, char** arguments);

struct SumOptions {
    std::uint32_t workers = 0;
    bool check = false;
    char* const* paths = nullptr;
    int path_count = 0;
};

Parsed parse_sum_options(int count, char** arguments, SumOptions& options) noexcept;

}  // namespace tool

#endif
