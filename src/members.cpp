#include "members.hpp"

#include "fork_list.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// Inherited by every kind of fork, as the mapping is.
std::atomic<MemberTable*> g_family{nullptr};

std::atomic<std::uint32_t> g_mappings{0};

constexpr std::size_t kFamilyBytes = MemberTable::bytes_for(MemberTable::kFamily);

Result<MemberTable*> make_table() noexcept {
    const Status watched = fork_list_watch();
    if (!watched.ok()) { return watched.error(); }
    const Result<void*> memory = port::map_shared(kFamilyBytes);
    if (!memory.ok()) { return memory.error(); }
    auto* const table = static_cast<MemberTable*>(*memory);
    const Status made = init_table(*table, MemberTable::kFamily);
    if (made.ok()) { return table; }
    port::unmap(table, kFamilyBytes);
    return made.error();
}

// __thread and not thread_local: nothing is to be constructed. The family's is apart, so that to
// have others costs its operations nothing.
__thread Membership t_membership;
__thread Membership t_named[kNamedMemberships];
__thread std::uint32_t t_last_named;

bool is_used(const Membership& one) noexcept {
    return one.table != nullptr && one.epoch == epoch_now();
}

// Where the calling thread keeps its place in that table; null: it uses too many.
Membership* room_for(const MemberTable& table) noexcept {
    if (&table == g_family.load(std::memory_order_relaxed)) { return &t_membership; }
    for (Membership& one : t_named) {
        if (!is_used(one)) { return &one; }
    }
    return nullptr;
}

[[gnu::noinline]] Membership* named_membership_in(const MemberTable& table) noexcept {
    Membership& last = t_named[t_last_named];
    if (last.table == &table && is_used(last)) { return &last; }
    for (std::uint32_t i = 0; i < kNamedMemberships; ++i) {
        if (t_named[i].table != &table || !is_used(t_named[i])) { continue; }
        t_last_named = i;
        return &t_named[i];
    }
    return nullptr;
}

// Tries to make a free entry the caller's. If killed in here: the entry's mutex is free again, and
// what stands in the entry is the former owner's, or nothing.
bool take_entry(const Members& members, std::uint32_t index, bool with_what_is_left,
                Membership& me) noexcept {
    MemberTable& table = *members.table;
    Member& entry = members.at(index);
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
    entry.process.store(port::process_id(), std::memory_order_relaxed);
    entry.mapping.store(members.mapping, std::memory_order_relaxed);
    std::uint32_t top = table.top.load(std::memory_order_relaxed);
    while (top < index && !table.top.compare_exchange_weak(top, index)) {}
    me = Membership();
    static_cast<Members&>(me) = members;
    me.self = &entry;
    me.index = index;
    me.epoch = fork_epoch();
    return true;
}

}  // namespace

Membership* membership_in(const MemberTable& table) noexcept {
    if (t_membership.table != &table || t_membership.epoch != epoch_now()) {
        return named_membership_in(table);
    }
    return &t_membership;
}

Status init_table(MemberTable& table, std::uint32_t last) noexcept {
    Status made = port::mutex_init(table.accounting);
    for (std::uint32_t index = 0; index <= last && made.ok(); ++index) {
        made = port::mutex_init(table.at(index).life);
    }
    table.has_fences = join_fences();
    return made;
}

Result<MemberTable*> family() noexcept {
    MemberTable* found = g_family.load(std::memory_order_acquire);
    if (found != nullptr) { return found; }
    const Result<MemberTable*> made = make_table();
    if (!made.ok()) { return made; }
    if (g_family.compare_exchange_strong(found, *made, std::memory_order_acq_rel)) { return made; }
    port::unmap(*made, kFamilyBytes);  // Another thread was first.
    return found;
}

Result<Members> members_of_strangers(MemberTable& table) noexcept {
    const std::uint32_t has_fences = table.has_fences != 0 ? 1 : 0;
    if (has_fences != 0) {
        const Status joined = port::fence_join();
        if (!joined.ok()) { return joined.error(); }
    }
    const std::uint32_t mapping = g_mappings.fetch_add(1, std::memory_order_relaxed) + 1;
    return Members{&table, MemberTable::kNamed, has_fences, mapping};
}

// Numbers come back after 2^32 objects; one that a member still names, from its last operation, is
// passed over. Whoever is stopped in here for so long takes his number late, and checks it late.
std::uint32_t MemberTable::number_object(std::uint32_t last) noexcept {
    for (;;) {
        const std::uint32_t number = objects.fetch_add(1, std::memory_order_relaxed) + 1;
        bool is_free = number != 0;
        for (std::uint32_t index = 1; index <= last; ++index) {
            is_free = is_free && at(index).object.load(std::memory_order_relaxed) != number;
        }
        if (is_free) { return number; }
    }
}

Status join_members(const Members& members) noexcept {
    // Lost by exec, inherited by fork: doing it again costs less than to know.
    if (members.has_fences != 0) {
        const Status joined = port::fence_join();
        if (!joined.ok()) { return joined; }
    }
    Membership* const me = room_for(*members.table);
    if (me == nullptr) { return Errc::too_many_members; }
    for (const bool with_what_is_left : {false, true}) {
        for (std::uint32_t index = 1; index <= members.last; ++index) {
            if (take_entry(members, index, with_what_is_left, *me)) { return Errc::ok; }
        }
    }
    return Errc::too_many_members;
}

bool leave_members(Membership& me) noexcept {
    me.self->op.store(0, std::memory_order_release);
    port::RobustMutex& life = me.self->life;
    me = Membership();
    // If killed before: the system frees the entry.
    return port::mutex_unlock(life).ok();
}

bool has_members_here(const Members& members) noexcept {
    const port::Pid here = port::process_id();
    for (std::uint32_t index = 1; index <= members.last; ++index) {
        const Member& one = members.at(index);
        const bool is_ours = one.process.load(std::memory_order_relaxed) == here &&
                             one.mapping.load(std::memory_order_relaxed) == members.mapping;
        if (is_ours && members.is_alive(index)) { return true; }
    }
    return false;
}

void end_membership() noexcept {
    if (is_used(t_membership)) { t_membership.self->op.store(0, std::memory_order_release); }
    for (Membership& one : t_named) {
        if (is_used(one)) { one.self->op.store(0, std::memory_order_release); }
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
