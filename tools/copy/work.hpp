// The work of `brood copy`: what the workers do with an item, and what the host does itself.
#ifndef BROOD_TOOLS_COPY_WORK_HPP
#define BROOD_TOOLS_COPY_WORK_HPP

#include <sys/stat.h>

#include <tools/copy/item.hpp>

namespace tool::copy {

/// A task of the pool: does the item of that number, which is no link and no folder.
/// Killed here: its target is as it was, or done. It may be done again, and then to the end.
Outcome do_item(std::uint32_t number) noexcept;

/// Whether the target is there, as far as size and time of modification tell.
bool is_present(const char* target, const struct stat& source) noexcept;

/// A large file that is begun: `to` is empty and as large as its source, unless `is_whole`: then it
/// shares all blocks of that. If the outcome is not well there is nothing.
struct Large {
    int from = -1, to = -1;
    struct stat status = {};
    bool is_whole = false;
    Outcome outcome;
};
Large begin_large(const char* source, const char* target, const Temporary& temporary) noexcept;

Outcome make_link(const Item& item) noexcept;
Outcome finish_folder(const Item& item) noexcept;

}  // namespace tool::copy

#endif
