// The check of lists: `brood sum -c`.
#ifndef BROOD_TOOLS_SUM_CHECK_HPP
#define BROOD_TOOLS_SUM_CHECK_HPP

#include <cstdint>

#include <tools/output.hpp>
#include <tools/sum_options.hpp>
#include <tools/sum_pipeline.hpp>

namespace tool {

/// Verifies lists one after the other and says what sha256sum -c says.
///
/// Memory: the expected digests of the files in flight (512 KiB, inside).
class SumCheck {
public:
    SumCheck(Output& output, const SumOptions& options) noexcept
        : output_(output), options_(options) {}

    /// For SumPipeline; context: the SumCheck.
    static void deliver(void* context, const FileResult& result) noexcept;

    /// All files of one list, "-" for standard input. False: it is no use to go on.
    bool verify(const char* list, SumPipeline& pipeline) noexcept;

private:
    struct Counts {
        std::uint64_t improper, proper, unreadable, different, matching;
    };
    bool add(SumPipeline& pipeline, const char* path, const Digest& digest) noexcept;
    Digest& expected(std::uint32_t number) noexcept {
        return expected_[number % (2 * SumArea::kFiles)];
    }
    void judge(const FileResult& result) noexcept;
    void summarise(const char* list) noexcept;

    bool note_improper(SumPipeline& pipeline, const char* list, std::uint64_t line) noexcept;
    void print(const FileResult& result, const char* verdict) noexcept;

    Output& output_;
    const SumOptions& options_;
    Counts counts_ = {};
    // Twice as many as can be in flight: the next one is noted before there is room for it.
    Digest expected_[2 * SumArea::kFiles];
};

/// What the lists ask for, for the display of progress. context: SumOptions.
WorkTotals count_lists(const void* context) noexcept;

}  // namespace tool

#endif
