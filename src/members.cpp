#include "members.hpp"

#include "fork_list.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// Inherited by every kind of fork, as the mapping is.
std::atomic<MemberTable*> g_family{nullptr};

Result<MemberTable*> make_table() noexcept {
    const Status watched = fork_list_watch();
    if (!watched.ok()) { return watched.error(); }
    const Result<void*> memory = port::map_shared(sizeof(MemberTable));
    if (!memory.ok()) { return memory.error(); }
    auto* const table = static_cast<MemberTable*>(*memory);
    for (Member& member : table->member) {
        const Status made = port::mutex_init(member.life);
        if (made.ok()) { continue; }
        port::unmap(table, sizeof(MemberTable));
        return made.error();
    }
    const Status made = port::mutex_init(table->accounting);
    if (!made.ok()) {
        port::unmap(table, sizeof(MemberTable));
        return made.error();
    }
    // Tried out, since a sandbox may know the call and refuse it.
    table->has_fences = port::fence_join().ok() && port::fence_all().ok() ? 1 : 0;
    return table;
}

// __thread and not thread_local: nothing is to be constructed.
__thread Membership t_membership;

// Tries to make a free entry the caller's. If killed in here: the entry's mutex is free again, and
// what stands in the entry is the former owner's, or nothing.
bool take_entry(MemberTable& table, std::uint32_t index, bool with_what_is_left) noexcept {
    Member& entry = table.member[index];
    if (!port::mutex_is_free(entry.life)) { return false; }
    if (!with_what_is_left && entry.left_behind() != 0) { return false; }
    if (!is_held(port::mutex_lock(entry.life, 0))) { return false; }
    const std::uint32_t left = entry.left_behind();  // Again: another may have come and died.
    if (left != 0 && !with_what_is_left) {
        port::mutex_unlock(entry.life).ignore();
        return false;
    }
    if (left != 0) { table.unresolved.fetch_add(left, std::memory_order_relaxed); }
    entry.op.store(0, std::memory_order_release);
    entry.object.store(0, std::memory_order_release);
    entry.incarnation.fetch_add(1, std::memory_order_release);
    std::uint32_t top = table.top.load(std::memory_order_relaxed);
    while (top < index && !table.top.compare_exchange_weak(top, index)) {}
    t_membership = Membership();
    t_membership.table = &table;
    t_membership.self = &entry;
    t_membership.index = index;
    t_membership.epoch = fork_epoch();
    return true;
}

}  // namespace

Membership* membership_in(const MemberTable& table) noexcept {
    if (t_membership.table != &table || t_membership.epoch != epoch_now()) { return nullptr; }
    return &t_membership;
}

Result<MemberTable*> family() noexcept {
    MemberTable* found = g_family.load(std::memory_order_acquire);
    if (found != nullptr) { return found; }
    const Result<MemberTable*> made = make_table();
    if (!made.ok()) { return made; }
    if (g_family.compare_exchange_strong(found, *made, std::memory_order_acq_rel)) { return made; }
    port::unmap(*made, sizeof(MemberTable));  // Another thread was first.
    return found;
}

// Numbers come back after 2^32 objects; one that a member still names, from its last operation, is
// passed over. Whoever is stopped in here for so long takes his number late, and checks it late.
std::uint32_t MemberTable::number_object() noexcept {
    for (;;) {
        const std::uint32_t number = objects.fetch_add(1, std::memory_order_relaxed) + 1;
        bool is_free = number != 0;
        for (const Member& one : member) {
            is_free = is_free && one.object.load(std::memory_order_relaxed) != number;
        }
        if (is_free) { return number; }
    }
}

Status join_members(MemberTable& table) noexcept {
    // Lost by exec, inherited by fork: doing it again costs less than to know.
    if (table.has_fences != 0) {
        const Status joined = port::fence_join();
        if (!joined.ok()) { return joined; }
    }
    for (const bool with_what_is_left : {false, true}) {
        for (std::uint32_t index = 1; index <= MemberTable::kMax; ++index) {
            if (take_entry(table, index, with_what_is_left)) { return Errc::ok; }
        }
    }
    return Errc::too_many_members;
}

void end_membership() noexcept {
    if (t_membership.table == nullptr || t_membership.epoch != epoch_now()) { return; }
    t_membership.self->op.store(0, std::memory_order_release);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
