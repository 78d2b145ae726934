// What the host and the workers of `brood copy` share: what is in flight, and the work on it.
#ifndef BROOD_TOOLS_COPY_ITEM_HPP
#define BROOD_TOOLS_COPY_ITEM_HPP

#include <sys/types.h>
#include <time.h>

#include <cstddef>
#include <cstdint>

#include <tools/copy/options.hpp>
#include <tools/copy/temporary.hpp>

namespace tool::copy {

enum class Kind : std::uint32_t {
    file,    ///< A regular file, as a whole.
    other,   ///< A link, a device, a pipe.
    piece,   ///< begin ... end of a large file.
    finish,  ///< What is to be done with that when all its pieces are there.
    link,    ///< One more name, the target, for what was copied to the source.
    folder,  ///< All that the folder holds was given out before.
};

/// How it ended.
struct Outcome {
    enum class End : std::uint32_t {
        copied,
        present,    ///< It was there already.
        failed,     ///< error: an errno
        replaced,   ///< It was a regular file when it was found, and is none now.
        changed,    ///< While it was copied; twice.
        different,  ///< What was read back is not what was written.
        socket,     ///< These are not copied.
        died,       ///< Its worker, twice; error: the exit code, -N for signal N
        given_up,   ///< Something before it failed, which was told.
    };
    End end = End::copied;
    std::int32_t error = 0;
    bool at_target = false;  ///< The error is the target's.

    bool is_well() const noexcept { return end == End::copied || end == End::present; }
    static Outcome at_source(int error) noexcept { return {End::failed, error, false}; }
    static Outcome target(int error) noexcept { return {End::failed, error, true}; }
};

/// Something in flight. The host writes all but the outcome, before it submits the item; one worker
/// writes that, and then `done`. Items are numbered as they come; the numbers count round.
struct alignas(64) Item {
    Kind kind;
    std::uint32_t number;   ///< In the name that the file has for now: large files have one.
    std::uint32_t path_at;  ///< In Area::paths: the source, and then the target.
    std::uint32_t source_length;
    off_t begin,
        end;  ///< Of a piece. Of finish: 0 and the size that the file had in the beginning.
    timespec modified;  ///< Of finish: then, too.
    ino_t inode;
    std::uint32_t deaths;  ///< Of workers that were at this item. The host's.
    std::uint32_t done;
    Outcome outcome;

    bool is_done() const noexcept { return __atomic_load_n(&done, __ATOMIC_ACQUIRE) != 0; }
};
static_assert(sizeof(Item) == 128, "cache lines of its own");

/// Shared memory of the host and the workers.
struct Area {
    static constexpr std::uint32_t kItems = 4096;           // in flight
    static constexpr std::uint32_t kPathsBytes = 1u << 20;  // their paths

    Item items[kItems];
    alignas(64) std::uint32_t files_done;  // both count round, for the display of progress
    std::uint32_t kib_done;
    alignas(64) char paths[kPathsBytes];

    Item& item(std::uint32_t number) noexcept { return items[number % kItems]; }
    const char* source(const Item& item) const noexcept { return paths + item.path_at; }
    const char* target(const Item& item) const noexcept {
        return paths + item.path_at + item.source_length + 1;
    }
};
static_assert((Area::kItems & (Area::kItems - 1)) == 0, "numbers wrap at 2^32");

/// What all work needs to know. Set in the host, before the pool is made.
struct Work {
    Area* area = nullptr;
    std::uint32_t run = 0;
    const Options* options = nullptr;
};
extern Work g_work;

Temporary temporary_of(const Item& item) noexcept;

}  // namespace tool::copy

#endif
