// What became of one file.
#ifndef BROOD_TOOLS_SUM_RESULT_HPP
#define BROOD_TOOLS_SUM_RESULT_HPP

#include <cstdint>

#include <tools/output.hpp>
#include <tools/sum_jobs.hpp>

namespace tool {

struct FileResult {
    const char* path;
    std::uint32_t number;  ///< As SumPipeline::next_number() announced it.
    FileState state;
    int error;
    const Digest& digest;  ///< If state is hashed.
};

/// Says on standard error why there is no digest.
void complain_of(Output& output, const FileResult& result) noexcept;

}  // namespace tool

#endif
