// What became of one file, in words.
#ifndef BROOD_TOOLS_COPY_RESULT_HPP
#define BROOD_TOOLS_COPY_RESULT_HPP

#include <tools/copy/item.hpp>
#include <tools/output.hpp>

namespace tool::copy {

/// Says on standard error why it is not copied.
void complain_of(Output& output, const char* source, const char* target, Kind kind,
                 const Outcome& outcome) noexcept;

/// "SOURCE -> TARGET".
void print_copied(Output& output, const char* source, const char* target) noexcept;

}  // namespace tool::copy

#endif
