// The work of `brood copy`: what the workers do with an item, and what the host does itself.
#ifndef BROOD_TOOLS_COPY_WORK_HPP
#define BROOD_TOOLS_COPY_WORK_HPP

#include <sys/stat.h>

#include <tools/copy/item.hpp>

namespace tool::copy {

/// A task of the pool: does the items first ... last that are not done, one after the other. They
/// are neither links nor folders.
/// Killed here: the target of each is as it was, or done; the first that is not `done` was begun,
/// and may be begun again.
void do_items(std::uint32_t first, std::uint32_t last) noexcept;

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
