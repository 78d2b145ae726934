// How a name comes to stand for a shared object, whoever is killed on the way.
//
// A creator takes the creation lock of the object that it has just made and then looks whether the
// name still is its own. Whoever wants to remove the remains of a dead creator takes the same lock
// and looks likewise. So no creator that has got past this can lose its name, and no two of them
// ever own it. The lock ends with its process: held means alive, or stopped, never dead.
//
// An unfinished object can be told from whatever a stranger made, so that nobody else's data is
// taken for the remains of a creator:
//
//   no bytes                  just created; perhaps not locked yet
//   kMagicMaking, then zeroes  under the lock, growing to its size, being filled
//   any other first word      done, for good
#ifndef BROOD_SRC_NAMED_OBJECT_HPP
#define BROOD_SRC_NAMED_OBJECT_HPP

#include <cstdint>

#include <brood/result.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// The first word of an unfinished object. A random number: a stranger's object that begins with
/// it by chance, one of 2^32, would be mistaken.
inline constexpr std::uint32_t kMagicMaking = 0x9c3be1d7u;

/// How long an object may stay without a size and without a lock before it counts as left by a
/// dead creator: its maker may be a stranger, or one of ours just before it takes the lock.
inline constexpr std::int64_t kSizelessNs = 100000000;

/// Held while a thread has descriptors of named objects that are not its own: on some systems the
/// creation lock is lost when any thread of the process closes any descriptor of the object.
/// Fork: a child does not inherit it.
class ObjectGuard {
public:
    /// Waits until the deadline. status() says ok, timed_out or no_memory.
    explicit ObjectGuard(std::int64_t deadline_ns) noexcept;
    ~ObjectGuard() noexcept;
    ObjectGuard(const ObjectGuard&) = delete;
    ObjectGuard& operator=(const ObjectGuard&) = delete;
    Status status() const noexcept { return status_; }

private:
    Status status_;
};

/// A new, empty object that a name stands for, its creation lock held.
struct Claim {
    port::Fd object = port::kNoFd;
    port::Fd witness = port::kNoFd;  // the same object, opened by name; to close it drops the lock
    port::ObjectIdentity identity;
};

/// Makes the object, in place of what a dead creator may have left.
/// Blocks: while the name belongs to somebody who is at work, up to kSizelessNs each.
/// The caller holds an ObjectGuard until it has called settle() or abandon().
/// Errors: already_exists; those of port::create_object.
Result<Claim> claim_name(const char* name, std::uint32_t mode) noexcept;
/// Of an object whose creator never settles its claim: whether that is dead. Then the name goes, if
/// it (still) stands for this object, and is not kept in use by a moment's look of another. Callers
/// hold an ObjectGuard. `object` must be open for writing.
bool remove_if_left(const char* name, port::Fd object) noexcept;
/// Marks the object as unfinished, which it is until its creator stores another first word.
/// Errors: no_space.
Status mark_unfinished(const Claim& claim) noexcept;
/// Ends the claim; the object and its name stay.
void settle(const Claim& claim) noexcept;
/// Ends the claim and removes the name.
void abandon(const char* name, const Claim& claim) noexcept;

/// Removes the name if it (still) stands for this object.
void remove_name_of(const char* name, const port::ObjectIdentity& identity) noexcept;

/// How far the maker of an object got.
enum class Stage : std::uint8_t {
    sizeless,  ///< No bytes, and not locked.
    busy,      ///< Its creator is alive and at it.
    left,      ///< Its creator died before it was done.
    done,      ///< Made, by one of us or by a stranger.
};
/// Callers hold an ObjectGuard. `object` must be open for writing.
Stage stage_of(port::Fd object) noexcept;
/// The same at a glance, without asking whether the creator lives: never busy, and left means
/// left or busy. `object` may be open for reading only.
Stage glance_at(port::Fd object) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
