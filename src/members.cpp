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
    // Tried out, since a sandbox may know the call and refuse it.
    table->has_fences = port::fence_join().ok() && port::fence_all().ok() ? 1 : 0;
    return table;
}

bool is_taken(const Status& status) noexcept {
    return status.ok() || status.code() == Errc::owner_died;
}

// __thread and not thread_local: nothing is to be constructed.
__thread Membership t_membership;

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

// If killed in here: the entry's mutex is free again, and what stands in the entry is the former
// owner's, or nothing.
Status join_members(MemberTable& table) noexcept {
    // Lost by exec, inherited by fork: doing it again costs less than to know.
    if (table.has_fences != 0) {
        const Status joined = port::fence_join();
        if (!joined.ok()) { return joined; }
    }
    for (std::uint32_t index = 1; index <= MemberTable::kMax; ++index) {
        Member& entry = table.member[index];
        if (!port::mutex_is_free(entry.life)) { continue; }
        if (!is_taken(port::mutex_lock(entry.life, 0))) { continue; }
        entry.op.store(0, std::memory_order_release);
        entry.object.store(0, std::memory_order_release);
        t_membership = {&table, &entry, index, fork_epoch(), 0, 0, 0, 0};
        return Errc::ok;
    }
    return Errc::too_many_members;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
