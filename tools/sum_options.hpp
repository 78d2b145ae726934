// The command line of `brood sum`.
#ifndef BROOD_TOOLS_SUM_OPTIONS_HPP
#define BROOD_TOOLS_SUM_OPTIONS_HPP

#include <cstdint>

#include <tools/manual.hpp>
#include <tools/sum_format.hpp>

namespace tool {

extern const Manual kSumManual;
int run_sum(int count, char** arguments);

/// What a check of lists says of each file and line.
enum class CheckSays : unsigned char {
    verdicts,
    lines_too,      ///< --warn: also which lines are none.
    failures_only,  ///< --quiet
    nothing,        ///< --status
};

struct SumOptions {
    std::uint32_t workers = 0;
    SumLineStyle style;
    bool check = false;
    CheckSays says = CheckSays::verdicts;
    bool strict = false;
    bool ignore_missing = false;
    const char* const* paths = nullptr;
    int path_count = 0;
};

Parsed parse_sum_options(int count, char** arguments, SumOptions& options) noexcept;

}  // namespace tool

#endif
