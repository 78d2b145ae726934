// TreeCopy: gives the pipeline all that a SRC holds.
#ifndef BROOD_TOOLS_COPY_TREE_HPP
#define BROOD_TOOLS_COPY_TREE_HPP

#include <tools/copy/links.hpp>
#include <tools/copy/pipeline.hpp>
#include <tools/walk.hpp>

namespace tool::copy {

class TreeCopy {
public:
    TreeCopy(Pipeline& pipeline, Output& output) noexcept;

    /// Whatever `source` is, it will be `target`. False: it is no use to go on.
    bool copy(const char* source, const char* target) noexcept;

private:
    bool take(const Walk::File& file) noexcept;
    bool set_target(const Walk::File& file) noexcept;
    void make_folder() noexcept;
    bool take_file(const Walk::File& file) noexcept;

    Pipeline& pipeline_;
    Output& output_;
    Walk walk_;
    Links links_;
    std::size_t source_length_ = 0, target_length_ = 0;  // of SRC with a slash, of its target
    char target_[2 * kPathBytes];
};

/// What the SRC hold, for the display of progress. context: Options.
WorkTotals count_sources(const void* context) noexcept;

}  // namespace tool::copy

#endif
