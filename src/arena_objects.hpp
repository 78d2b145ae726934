// The objects of an arena: making them, finding them by handle and by name, dropping them.
//
// An object lives until it is dropped, or the arena ends. One that has no name is its maker's until
// it is kept: if the thread that made it ends before, it is swept away by those who make others.
//
// What a container holds goes in as many steps as it takes. Before the first its entry is marked,
// and its generation counted up, so that no handle finds it any more. If its dropper is killed,
// those who make others go on where he was. Of a lock, a queue and the like the memory stays with
// the entry, for the next of that kind and size: so one who still uses it harms only its like.
#ifndef BROOD_SRC_ARENA_OBJECTS_HPP
#define BROOD_SRC_ARENA_OBJECTS_HPP

#include <brood/detail/managed.hpp>
#include <brood/manager.hpp>

#include "arena_place.hpp"
#include "object_memory.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// ArenaEntry::kind: the kind, and what became of the object.
inline constexpr std::uint32_t kDropping = 0x100, kRetired = 0x200, kKindMask = 0xff;

inline constexpr std::size_t kObjectNameMax = 255;

/// What to make.
struct ObjectPlan {
    ObjectType type;
    const char* name = "";  // "": none
    /// Of one that lies in a block of its own: how many bytes, and whether they are addresses only,
    /// in which it allocates memory itself. 0: it is a container.
    std::uint64_t bytes = 0;
    bool is_range = false;
    /// What tells its shape from others of its type and size.
    std::uint32_t shape[2] = {};
    /// Makes it in its block of `bytes` bytes.
    Status (*lay_out)(const Arena& arena, void* block, std::size_t bytes, Before before,
                      const void* context) noexcept = nullptr;
    const void* context = nullptr;
};

/// Makes an object. Errors: full (no entry is left), no_space, no_memory, already_exists (the
/// name), name_too_long, too_many_members, wrong_process, corrupt, those of `lay_out`; timed_out,
/// timeout_negative, timeout_overflow.
/// Killed here: it is there, or not; without a name it goes with its maker.
Result<ManagedHandle> make_managed(std::uint32_t manager, const ObjectPlan& plan,
                                   std::int64_t deadline_ns) noexcept;
Result<ManagedHandle> make_managed(std::uint32_t manager, const ObjectPlan& plan,
                                   Timeout timeout) noexcept;

/// The object of that name. Errors: not_found, type_mismatch, ...
Result<ManagedHandle> find_object(std::uint32_t manager, const char* name, const ObjectType& type,
                                  std::int64_t deadline_ns) noexcept;

/// Ends an object. Errors: closed (it is gone), in_use.
/// Killed here: it is gone, or as it was.
Status drop_object(const ManagedHandle& handle, std::int64_t deadline_ns) noexcept;
/// From now on it stays until it is dropped, whoever ends.
Status keep_object(const ManagedHandle& handle, std::int64_t deadline_ns) noexcept;
/// In a step of the same arena: what a handle in a container names is kept. False: it is gone, or
/// of another arena.
bool keep_stored(ArenaStep& step, const void* handle) noexcept;

/// An object in use by the caller, its mutex held.
class HeldObject {
public:
    /// Of kind none: whatever it is.
    HeldObject(const ManagedHandle& handle, const ObjectType& type,
               std::int64_t deadline_ns) noexcept;
    /// The same; also says timeout_negative, timeout_overflow.
    HeldObject(const ManagedHandle& handle, const ObjectType& type, Timeout timeout) noexcept;
    ~HeldObject() noexcept;
    HeldObject(const HeldObject&) = delete;
    HeldObject& operator=(const HeldObject&) = delete;

    /// ok; closed (it is gone); type_mismatch; wrong_process (this process has not that manager);
    /// timed_out; would_deadlock (the caller is in the midst of an operation on it); corrupt.
    Status status() const noexcept { return status_; }
    /// Until when the caller may wait, for what else he does.
    std::int64_t deadline_ns() const noexcept { return deadline_ns_; }
    const Arena& arena() const noexcept { return *arena_; }
    ArenaEntry& entry() const noexcept { return *entry_; }
    /// The block of one that has one, and how large it is; null: corrupt.
    void* block(std::size_t& bytes) const noexcept;

private:
    Status status_;
    std::int64_t deadline_ns_;
    const Arena* arena_ = nullptr;
    ArenaEntry* entry_ = nullptr;
};

/// What a kind of object needs to be dropped.
struct ObjectWays {
    /// Frees some of what it holds, until step.is_long(). True: nothing is left.
    bool (*free_some)(ArenaStep& step, ArenaEntry& entry) noexcept;
    /// Whether nobody uses its block. Null: it has none.
    bool (*is_idle)(const Arena& arena, void* block, std::size_t bytes) noexcept;
};
const ObjectWays& ways_of(ObjectKind kind) noexcept;

/// The block of an entry's object; null: it has none, or not in the arena.
void* block_of(const Arena& arena, const ArenaEntry& entry) noexcept;

Result<ManagerStats> stats_of(const Arena& arena, std::int64_t deadline_ns) noexcept;
Result<ManagerObject> object_after(const Arena& arena, std::uint32_t index,
                                   std::int64_t deadline_ns) noexcept;

/// Moves what a container holds to a new object which is being dropped, in the caller's step, and
/// so empties it. Its entry; dropped by drop_moved() after the commit.
Result<std::uint32_t> move_out(ArenaStep& step, ArenaEntry& entry) noexcept;
void drop_moved(const Arena& arena, std::uint32_t index) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
