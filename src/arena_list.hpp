// A list as it lies in an arena.
//
//   root[0]  an array of places     root[1]  how many elements     root[2]  room in the array
//   root[3]  where in the array the first is: so both ends may grow and shrink
//
// An element is a block: ListElement, then its bytes. An array that is not full, or of which few
// places move, is changed where it lies; else its content goes to a fresh one. What lies in it
// outside of the elements is undefined, so a step writes it without a log.
#ifndef BROOD_SRC_ARENA_LIST_HPP
#define BROOD_SRC_ARENA_LIST_HPP

#include <brood/detail/list_handle.hpp>

#include "arena_objects.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

struct ListElement {
    Word bytes;
};
static_assert(sizeof(ListElement) == 4, "an ABI");

/// The places of all elements, read once: whatever a stranger writes meanwhile.
struct ListView {
    Word* all;
    std::uint32_t count;
    std::uint32_t room, first;  // of the array, and in it
};

class ListTable {
public:
    /// At most so many places move in an array: each stands in the log.
    static constexpr std::uint32_t kMovedMax = 64;
    /// At most so many elements are made, or freed, in one step of an operation: the log has room
    /// for them, whatever pages come and go with them.
    static constexpr std::uint32_t kMadeMax = 16;

    ListTable(const Arena& arena, ArenaEntry& entry) noexcept : arena_(arena), entry_(entry) {}

    std::uint32_t count() const noexcept { return load(entry_.root[1]); }
    /// Errors: corrupt.
    Result<ListView> view() const noexcept;
    /// The bytes of an element; null: there is none such, or the arena is not in order.
    ListBytes bytes_at(Place place) const noexcept;

    /// A new element, which is not in the list yet. Errors: closed (a handle of what is gone),
    /// size_too_large, no_space, no_memory, corrupt.
    Result<Place> make(ArenaStep& step, const ListBytes& value) noexcept;
    Status replace(ArenaStep& step, std::uint32_t index, const ListBytes& value) noexcept;
    /// Puts `count` elements in the place of `removed` from `index` on; those are not freed.
    Status splice(ArenaStep& step, std::uint32_t index, std::uint32_t removed, const Place* fresh,
                  std::uint32_t count) noexcept;
    /// Moves those from `index` on to a new object which is being dropped: for drop_moved().
    Result<std::uint32_t> move_some_out(ArenaStep& step, std::uint32_t index,
                                        std::uint32_t count) noexcept;
    /// After elements have gone: a smaller array, in a step of its own. If killed before, or if
    /// there is no memory, it stays as it is.
    void shrink(std::int64_t deadline_ns) noexcept;
    /// Frees elements, then the array. True: nothing is left.
    bool free_some(ArenaStep& step) noexcept;

private:
    bool keep_named(ArenaStep& step, const ListBytes& value) const noexcept;
    Status take_array(ArenaStep& step, std::uint32_t index, std::uint32_t removed,
                      const Place* fresh, std::uint32_t count) noexcept;

    const Arena& arena_;
    ArenaEntry& entry_;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
