#include "named_object.hpp"

#include <atomic>

#include <brood/detail/fork_link.hpp>

#include "fork_list.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::int64_t kPollNs = 100000;
constexpr std::int64_t kLookNs = 1000000;

// The epoch of the process that holds the guard, 0: nobody. A child that was forked while it was
// held finds its parent's epoch there, which for it is nobody's.
std::atomic<unsigned> g_guard{0};

bool take_guard(unsigned epoch) noexcept {
    unsigned found = g_guard.load(std::memory_order_relaxed);
    if (found == epoch) { return false; }
    return g_guard.compare_exchange_strong(found, epoch, std::memory_order_acquire);
}

// Opens what `name` stands for, and says whether it is the object wanted. The descriptor is the
// caller's to close in any case: to close it would drop the object's creation lock.
bool names_object(const char* name, const port::ObjectIdentity& wanted, port::Fd& opened) noexcept {
    const Result<port::Fd> fd = port::open_object(name, false);
    if (!fd.ok()) { return false; }
    opened = *fd;
    const Result<port::ObjectIdentity> identity = port::object_identity(*fd);
    return identity.ok() && *identity == wanted;
}

void close_if_open(port::Fd fd) noexcept {
    port::close(fd);
}

// Takes the creation lock of a fresh object and makes sure that the name is its own. False: a
// cleaner took it for something left behind and removed it, so the creator begins again.
Result<bool> secure(const char* name, Claim& claim) noexcept {
    for (;;) {
        const Result<bool> locked = port::lock_object(claim.object);
        if (!locked.ok()) { return locked.error(); }
        const bool named = names_object(name, claim.identity, claim.witness);
        if (*locked || !named) { return named; }
        // Somebody looks whether we are alive: a matter of microseconds.
        close_if_open(claim.witness);
        claim.witness = port::kNoFd;
        port::sleep_until(port::now_ns() + kPollNs);
    }
}

// One look at what has the name: removes it if its creator is dead, or if it is the object
// `expired`, which had its time to get a size. `seen` becomes the object found, if there is one.
Stage look_and_clean(const char* name, const port::ObjectIdentity& expired,
                     port::ObjectIdentity& seen) noexcept {
    const Result<port::Fd> fd = port::open_object(name, true);
    if (!fd.ok()) { return fd.code() == Errc::not_found ? Stage::left : Stage::done; }
    const Result<port::ObjectIdentity> found = port::object_identity(*fd);
    seen = found.value_or(seen);
    const Result<bool> locked = port::lock_object(*fd);
    Stage stage = found.ok() ? glance_at(*fd) : Stage::done;
    if (stage != Stage::done && !locked.value_or(false)) { stage = Stage::busy; }
    if (stage == Stage::sizeless && seen == expired) { stage = Stage::left; }
    port::Fd witness = port::kNoFd;
    if (stage == Stage::left && names_object(name, seen, witness)) {
        // Under the lock, so that its creator, should it live after all, sees that it lost.
        // If killed here: it is there still, or it is gone; the next one finds either.
        const Status removed = port::remove_object(name);
        // Another user's, in a directory where everybody removes only his own: it stays taken.
        if (!removed.ok() && removed.code() != Errc::not_found) { stage = Stage::done; }
    }
    port::close(*fd);
    close_if_open(witness);
    return stage;
}

// Waits until the name is free: right away, or when its dead creator's object is removed.
// False: it is taken.
bool free_name(const char* name) noexcept {
    const port::ObjectIdentity none;
    port::ObjectIdentity watched;
    std::int64_t end_ns = 0;
    for (;;) {
        const bool expired = port::now_ns() >= end_ns;
        port::ObjectIdentity seen = watched;
        const Stage stage = look_and_clean(name, expired ? watched : none, seen);
        if (stage == Stage::left) { return true; }
        if (stage == Stage::done) { return false; }
        if (!(seen == watched)) {  // Another object than before: it gets its own time.
            watched = seen;
            end_ns = port::now_ns() + kSizelessNs;
        } else if (expired) {
            return false;
        }
        port::sleep_until(port::now_ns() + kLookNs);
    }
}

}  // namespace

ObjectGuard::ObjectGuard(std::int64_t deadline_ns) noexcept : status_(fork_list_watch()) {
    if (!status_.ok()) { return; }
    while (!take_guard(fork_epoch())) {
        if (port::now_ns() >= deadline_ns) {
            status_ = Errc::timed_out;
            return;
        }
        // Not yield(): under real-time scheduling the holder might never run.
        port::sleep_until(port::now_ns() + kPollNs);
    }
}

ObjectGuard::~ObjectGuard() noexcept {
    if (status_.ok()) { g_guard.store(0, std::memory_order_release); }
}

Result<Claim> claim_name(const char* name, std::uint32_t mode) noexcept {
    for (;;) {
        const Result<port::Fd> fd = port::create_object(name, mode);
        if (fd.code() == Errc::already_exists && free_name(name)) { continue; }
        if (!fd.ok()) { return fd.error(); }
        Claim claim;
        claim.object = *fd;
        const Result<port::ObjectIdentity> identity = port::object_identity(*fd);
        if (!identity.ok()) {
            abandon(name, claim);
            return identity.error();
        }
        claim.identity = *identity;
        // If killed here: an object without a size, which the next creator removes in kSizelessNs.
        const Result<bool> secured = secure(name, claim);
        if (!secured.ok()) {
            abandon(name, claim);
            return secured.error();
        }
        if (*secured) { return claim; }
        settle(claim);
    }
}

bool remove_if_left(const char* name, port::Fd object) noexcept {
    const Result<bool> locked = port::lock_object(object);
    if (!locked.value_or(false)) { return false; }
    // A creator that has not taken its lock yet finds, when it has, that the name is gone.
    const Result<port::ObjectIdentity> identity = port::object_identity(object);
    port::Fd witness = port::kNoFd;
    // If killed here: it is there still, or it is gone; the next one finds either.
    if (identity.ok() && names_object(name, *identity, witness)) {
        port::remove_object(name).ignore();
    }
    port::unlock_object(object);
    close_if_open(witness);
    return true;
}

void settle(const Claim& claim) noexcept {
    port::unlock_object(claim.object);
    port::close(claim.object);
    close_if_open(claim.witness);
}

void abandon(const char* name, const Claim& claim) noexcept {
    // The name first: under the lock it is ours for sure.
    port::remove_object(name).ignore();
    settle(claim);
}

void remove_name_of(const char* name, const port::ObjectIdentity& identity) noexcept {
    const ObjectGuard guard(port::kNever);
    port::Fd opened = port::kNoFd;
    if (names_object(name, identity, opened)) { port::remove_object(name).ignore(); }
    close_if_open(opened);
}

Status mark_unfinished(const Claim& claim) noexcept {
    // If killed here: recognised by its mark, and removed by the next creator.
    return port::mark_object(claim.object, kMagicMaking);
}

Stage glance_at(port::Fd object) noexcept {
    const Result<std::uint64_t> bytes = port::object_bytes(object);
    if (!bytes.ok()) { return Stage::done; }
    if (*bytes == 0) { return Stage::sizeless; }
    if (*bytes < sizeof(kMagicMaking)) { return Stage::done; }
    const Result<void*> page = port::map_object(object, sizeof(kMagicMaking), false);
    if (!page.ok()) { return Stage::done; }
    const auto* const word = static_cast<const std::uint32_t*>(*page);
    const bool unfinished = __atomic_load_n(word, __ATOMIC_ACQUIRE) == kMagicMaking;
    port::unmap(*page, sizeof(kMagicMaking));
    return unfinished ? Stage::left : Stage::done;
}

Stage stage_of(port::Fd object) noexcept {
    // Nobody needs the lock to see that an object is done.
    if (glance_at(object) == Stage::done) { return Stage::done; }
    const Result<bool> locked = port::lock_object(object);
    if (!locked.ok() || !*locked) { return Stage::busy; }
    const Stage stage = glance_at(object);
    port::unlock_object(object);
    return stage;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
