// Who takes part in the objects that processes share: a table of the threads that do.
//
// A family is a process and those forked from it. Its table lies in memory that they share, and is
// made together with the first object that needs it. A queue with a name has a table of its own, in
// its segment, since its users need not be of one family. Every thread that uses such an object
// becomes a member of the table: it takes a free entry, and holds that entry's mutex until it ends,
// or leaves. So everybody can see whether the owner of an entry lives, however it ended.
//
// A segment may hold anything. So nothing that says where something lies is taken from a table: how
// many entries it has is known from its kind, and who names an entry beyond names nobody.
#ifndef BROOD_SRC_MEMBERS_HPP
#define BROOD_SRC_MEMBERS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <port/port.hpp>

#include "fences.hpp"
#include "self.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// One thread. What it is in the middle of is written by that thread alone.
struct alignas(64) Member {
    port::RobustMutex life;                     // held for as long as the thread is a member
    alignas(64) std::atomic<std::uint32_t> op;  // 0: nothing; else as the object has it
    std::atomic<std::uint32_t> object;          // the number of the object that `op` is about
    std::atomic<std::uint32_t> taking;          // how many messages that takes; 0: it takes none
    std::atomic<std::uint32_t> incarnation;     // which owner of the entry this is, or was last
    std::atomic<std::uint32_t> accounted;       // ... and the last of whom nothing is to be counted
    std::atomic<std::int32_t> process;          // of the owner, or the last ...
    std::atomic<std::uint32_t> mapping;         // ... and by which of its mappings: see Members

    /// How many messages the last owner had taken, or was about to, when it died, and nobody has
    /// counted them. Of a dead one only.
    std::uint32_t left_behind() const noexcept {
        const bool any = op.load(std::memory_order_acquire) != 0 &&
                         accounted.load(std::memory_order_acquire) !=
                             incarnation.load(std::memory_order_acquire);
        return any ? taking.load(std::memory_order_acquire) : 0;
    }
};
static_assert(sizeof(Member) == 128 && sizeof(port::RobustMutex) == 64, "an ABI");
static_assert(offsetof(Member, op) == 64 && offsetof(Member, object) == 68);
static_assert(offsetof(Member, taking) == 72 && offsetof(Member, incarnation) == 76);
static_assert(offsetof(Member, accounted) == 80 && offsetof(Member, process) == 84);
static_assert(offsetof(Member, mapping) == 88);

struct MemberTable {
    static constexpr std::uint32_t kFamily = 510;  // the last entry: 64 KiB in all
    static constexpr std::uint32_t kNamed = 126;   // of a queue with a name: 16 KiB in all

    /// Whether fence_all() reaches all members. Else each of them makes a barrier of its own in
    /// every operation. Fixed when the table is made.
    std::uint32_t has_fences;
    std::atomic<std::uint32_t> objects;  // how many numbers were given away
    std::atomic<std::uint32_t> top;      // no entry above it was ever taken
    /// Messages left behind by dead members of objects that could not be asked: see join_members().
    /// One who is killed just then may make it too many.
    std::atomic<std::uint32_t> unresolved;
    alignas(64) port::RobustMutex accounting;  // of those who count what the dead left behind

    /// The first is nobody.
    Member& at(std::uint32_t index) noexcept { return reinterpret_cast<Member*>(this + 1)[index]; }
    static constexpr std::size_t bytes_for(std::uint32_t last) noexcept;

    /// A number for an object, which no other has that any member may name. `last`: its last entry.
    std::uint32_t number_object(std::uint32_t last) noexcept;
};
static_assert(sizeof(MemberTable) == 128 && offsetof(MemberTable, accounting) == 64, "an ABI");
static_assert(offsetof(MemberTable, has_fences) == 0 && offsetof(MemberTable, objects) == 4);
static_assert(offsetof(MemberTable, top) == 8 && offsetof(MemberTable, unresolved) == 12);

constexpr std::size_t MemberTable::bytes_for(std::uint32_t last) noexcept {
    return sizeof(MemberTable) + (std::size_t{last} + 1) * sizeof(Member);
}
static_assert(MemberTable::bytes_for(MemberTable::kFamily) == 65536);
static_assert(MemberTable::bytes_for(MemberTable::kNamed) == 16384);

/// A table, with what this process itself knows of it.
struct Members {
    MemberTable* table = nullptr;
    std::uint32_t last = 0;  // its last entry
    std::uint32_t has_fences = 0;
    std::uint32_t mapping = 0;  // its number in this process, where it may be unmapped

    bool is_of_strangers() const noexcept { return mapping != 0; }
    Member& at(std::uint32_t index) const noexcept { return table->at(index <= last ? index : 0); }
    /// No entry above it was ever taken.
    std::uint32_t top() const noexcept {
        const std::uint32_t found = table->top.load(std::memory_order_acquire);
        return found < last ? found : last;
    }
    /// Whether the owner of an entry lives. A stopped process lives.
    bool is_alive(std::uint32_t index) const noexcept {
        return !port::mutex_is_free(at(index).life);
    }
    /// The barrier on the frequent side of a handshake: between a store of ours and a load, when
    /// the other side calls heavy_fence() between its store and its load.
    void light_fence() const noexcept { detail::light_fence(has_fences); }
    /// Errors: unsupported (a sandbox was set up since this process became a member).
    Status heavy_fence() const noexcept { return detail::heavy_fence(has_fences); }
};

/// Makes the mutexes of a zeroed table, and tries out fences. Errors: no_memory.
Status init_table(MemberTable& table, std::uint32_t last) noexcept;

/// The table of this process's family, made if there is none.
/// Errors: no_memory, no_space, too_many_files.
Result<MemberTable*> family() noexcept;

inline Members members_of_family(MemberTable& table) noexcept {
    return {&table, MemberTable::kFamily, table.has_fences, 0};
}

/// Of a table of kNamed threads that need not be of one family, in memory that this process has
/// just mapped. Errors: unsupported (its maker had membarrier(2), which is refused here).
Result<Members> members_of_strangers(MemberTable& table) noexcept;

/// What a thread knows of its place in a table.
struct Membership : Members {
    Member* self = nullptr;
    std::uint32_t index = 0;  // 1..last
    unsigned epoch = 0;       // the fork_epoch() of who joined: a child is another member
    std::uint32_t quantum = 0;
    std::uint32_t handed_over_at = 0;  // the index of the side that it last gave to another
    // What it has learned of waiting: RingWait.
    std::uint32_t looks = 0, not_looked = 0, rests = 1, yields_in_vain = 0;
    // The object in whose JoinBook, and the one in whose Roster, it has that place; 0: in none.
    std::uint32_t book = 0, holder = 0;
    std::uint32_t roster = 0, place = 0;
};

/// How many tables of strangers a thread can be a member of at a time.
inline constexpr std::size_t kNamedMemberships = 8;

/// Makes the calling thread a member. An entry whose dead owner left messages behind is taken only
/// if there is no other; they are `unresolved` then. Errors: too_many_members; unsupported.
Status join_members(const Members& members) noexcept;

/// The calling thread is a member of that table no more. False: its entry is not its own, by
/// somebody's writing into the segment; then that must stay mapped.
/// If killed in here: a member who died, or none.
bool leave_members(Membership& me) noexcept;

/// Whether a living thread of this process is a member by this mapping.
bool has_members_here(const Members& members) noexcept;

/// The calling thread's place; null if it has none yet. Not inline: g++ 12 with -fsanitize=null
/// takes the address of a thread's variable of another file for null.
Membership* membership_in(const MemberTable& table) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
