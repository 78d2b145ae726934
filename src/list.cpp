// What users do with a list of a manager.
#include "arena_entries.hpp"
#include "arena_list.hpp"
#include "deadline.hpp"
#include "dict_decisions.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::uint32_t kMadeMax = ListTable::kMadeMax;

/// The index from the beginning; `count` or more: there is no such element.
std::size_t counted(std::ptrdiff_t index, std::uint32_t count) noexcept {
    return static_cast<std::size_t>(index < 0 ? index + static_cast<std::ptrdiff_t>(count) : index);
}

/// The same, or the nearest end.
std::uint32_t clamped(std::ptrdiff_t index, std::uint32_t count) noexcept {
    const auto end = static_cast<std::ptrdiff_t>(count);
    if (index < 0) { index += end; }
    if (index < 0) { return 0; }
    return index < end ? static_cast<std::uint32_t>(index) : count;
}

/// With the lock. If killed in here: as ArenaStep has it.
Status erase_few(const HeldObject& held, std::uint32_t from, std::uint32_t count,
                 std::int64_t deadline_ns) noexcept {
    ListTable table(held.arena(), held.entry());
    ArenaStep step(held.arena(), deadline_ns);
    if (!step.status().ok()) { return step.status(); }
    const Result<ListView> view = table.view();
    if (!view.ok() || from + count > view->count) { return Errc::corrupt; }
    Place gone[kMadeMax];
    for (std::uint32_t i = 0; i < count; ++i) { gone[i] = load(view->all[from + i]); }
    const Status done = table.splice(step, from, count, nullptr, 0);
    if (!done.ok()) { return done; }
    for (std::uint32_t i = 0; i < count; ++i) { step.give(gone[i]); }
    return step.commit();
}

/// Of any number. If killed between commit and drop: who makes the next object frees them.
Status erase_many(const HeldObject& held, std::uint32_t from, std::uint32_t count,
                  std::int64_t deadline_ns) noexcept {
    ListTable table(held.arena(), held.entry());
    ArenaStep step(held.arena(), deadline_ns);
    if (!step.status().ok()) { return step.status(); }
    const Result<std::uint32_t> moved = count == table.count()
                                            ? move_out(step, held.entry())
                                            : table.move_some_out(step, from, count);
    if (!moved.ok()) { return moved.error(); }
    const Status done = step.commit();
    if (done.ok()) { drop_moved(held.arena(), *moved); }
    return done;
}

Status erase_range(const HeldObject& held, std::uint32_t from, std::uint32_t count,
                   std::int64_t deadline_ns) noexcept {
    if (count == 0) { return Errc::ok; }
    const Status done = count <= kMadeMax ? erase_few(held, from, count, deadline_ns)
                                          : erase_many(held, from, count, deadline_ns);
    if (done.ok()) { ListTable(held.arena(), held.entry()).shrink(deadline_ns); }
    return done;
}

/// Moves all of `other`, which goes with it, to before `index`.
Status take_over(const HeldObject& held, std::ptrdiff_t index, const HeldObject& other,
                 std::int64_t deadline_ns) noexcept {
    ListTable table(held.arena(), held.entry());
    const ListTable from(held.arena(), other.entry());
    ArenaStep step(held.arena(), deadline_ns);
    if (!step.status().ok()) { return step.status(); }
    const Result<ListView> view = from.view();
    if (!view.ok()) { return view.error(); }
    const auto* const places = reinterpret_cast<const Place*>(view->all);
    const Status done = table.splice(step, clamped(index, table.count()), 0, places, view->count);
    if (!done.ok()) { return done; }
    step.give(load(other.entry().root[0]));
    step.add(other.entry().generation, 1);
    step.give_entry(index_in(held.arena(), other.entry()));
    return step.commit();
}

}  // namespace

Status ListHandle::insert(const ObjectType& type, std::ptrdiff_t index, const ListSource& source,
                          Timeout timeout) const noexcept {
    const std::int64_t deadline_ns = quick_deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    if (source.count > kMadeMax) { return insert_many(type, index, source, deadline_ns); }
    return insert_few(type, index, source, deadline_ns);
}

Status ListHandle::insert_few(const ObjectType& type, std::ptrdiff_t index,
                              const ListSource& source, std::int64_t deadline_ns) const noexcept {
    const HeldObject held(*this, type, deadline_ns);
    if (!held.status().ok() || source.count == 0) { return held.status(); }
    ListTable table(held.arena(), held.entry());
    ArenaStep step(held.arena(), deadline_ns);
    if (!step.status().ok()) { return step.status(); }
    Place fresh[kMadeMax];
    for (std::uint32_t i = 0; i < source.count; ++i) {
        const Result<Place> made = table.make(step, source.at(source.elements, source.first + i));
        if (!made.ok()) { return made.error(); }
        fresh[i] = *made;
    }
    const Status done = table.splice(step, clamped(index, table.count()), 0, fresh,
                                     static_cast<std::uint32_t>(source.count));
    return done.ok() ? step.commit() : done;
}

// They come into a list of the caller's own first, of which nobody has a handle, and from there
// in one step. If killed before that step: it goes with the caller. After it: all are here.
Status ListHandle::insert_many(const ObjectType& type, std::ptrdiff_t index,
                               const ListSource& source, std::int64_t deadline_ns) const noexcept {
    ObjectPlan plan;
    plan.type = type;
    const Result<ManagedHandle> made = make_managed(manager, plan, deadline_ns);
    if (!made.ok()) { return manager == 0 ? Errc::closed : made.error(); }
    const ListHandle own{*made};
    Status done;
    for (std::size_t at = 0; at < source.count && done.ok(); at += kMadeMax) {
        const std::size_t left = source.count - at;
        const ListSource part = {source.at, source.elements, source.first + at,
                                 left < kMadeMax ? left : kMadeMax};
        done = own.insert_few(type, PTRDIFF_MAX, part, deadline_ns);
    }
    if (done.ok()) {
        const HeldObject held(*this, type, deadline_ns);
        done = held.status();
        if (done.ok()) {
            // Who has it by an old handle lets go of it at once, and waits for nothing meanwhile.
            const HeldObject other(own, type, deadline_ns);
            done = other.status();
            if (done.ok()) { done = take_over(held, index, other, deadline_ns); }
        }
    }
    if (!done.ok()) { drop_object(own, port::kNever).ignore(); }
    return done;
}

Result<std::size_t> ListHandle::get(const ObjectType& type, std::ptrdiff_t index, void* value,
                                    std::size_t room, Timeout timeout) const noexcept {
    const HeldObject held(*this, type, timeout);
    if (!held.status().ok()) { return held.status().error(); }
    const ListTable table(held.arena(), held.entry());
    const Result<ListView> view = table.view();
    if (!view.ok()) { return view.error(); }
    const std::size_t at = counted(index, view->count);
    if (at >= view->count) { return Errc::out_of_range; }
    const ListBytes found = table.bytes_at(load(view->all[at]));
    if (found.data == nullptr) { return Errc::corrupt; }
    if (found.bytes > room) {
        return Error(Errc::buffer_too_short, 0, static_cast<std::int64_t>(found.bytes));
    }
    __builtin_memcpy(value, found.data, found.bytes);
    return found.bytes;
}

Status ListHandle::change(const ObjectType& type, std::ptrdiff_t index, DictDecide decide,
                          void* context, Timeout timeout) const noexcept {
    const HeldObject held(*this, type, timeout);
    if (!held.status().ok()) { return held.status(); }
    ListTable table(held.arena(), held.entry());
    const Result<ListView> view = table.view();
    if (!view.ok()) { return view.status(); }
    const std::size_t counted_at = counted(index, view->count);
    if (counted_at >= view->count) { return Errc::out_of_range; }
    const auto at = static_cast<std::uint32_t>(counted_at);
    const ListBytes found = table.bytes_at(load(view->all[at]));
    if (found.data == nullptr) { return Errc::corrupt; }
    const DictChange change = decide(context, found.data, found.bytes);
    if (change.what == DictChange::What::erase) {
        return erase_range(held, at, 1, held.deadline_ns());
    }
    if (change.what == DictChange::What::leave) { return Errc::ok; }
    ArenaStep step(held.arena(), held.deadline_ns());
    if (!step.status().ok()) { return step.status(); }
    const Status done = table.replace(step, at, {change.value, change.bytes});
    return done.ok() ? step.commit() : done;
}

Status ListHandle::set(const ObjectType& type, std::ptrdiff_t index, const ListBytes& value,
                       Timeout timeout) const noexcept {
    DictChange put{DictChange::What::put, value.data, value.bytes};
    return change(type, index, &decide_on, &put, timeout);
}

Result<std::size_t> ListHandle::take(const ObjectType& type, std::ptrdiff_t index, void* value,
                                     std::size_t room, Timeout timeout) const noexcept {
    TakenOut taken = {value, room};
    const Status done = change(type, index, &TakenOut::decide, &taken, timeout);
    if (!done.ok()) { return done.error(); }
    return taken.bytes;
}

Result<std::size_t> ListHandle::search(const ObjectType& type, ListSearch what,
                                       const ListBytes& value, Timeout timeout) const noexcept {
    const HeldObject held(*this, type, timeout);
    if (!held.status().ok()) { return held.status().error(); }
    const ListTable table(held.arena(), held.entry());
    const Result<ListView> view = table.view();
    if (!view.ok()) { return view.error(); }
    std::size_t found = 0;
    for (std::uint32_t i = 0; i < view->count; ++i) {
        const ListBytes at = table.bytes_at(load(view->all[i]));
        if (at.data == nullptr) { return Errc::corrupt; }
        const bool is_one = at.bytes == value.bytes &&
                            __builtin_memcmp(at.data, value.data, at.bytes) == 0;
        if (!is_one) { continue; }
        ++found;
        if (what == ListSearch::count) { continue; }
        if (what == ListSearch::index) { return std::size_t{i}; }
        const Status erased = erase_range(held, i, 1, held.deadline_ns());
        if (!erased.ok()) { return erased.error(); }
        return std::size_t{i};
    }
    if (what != ListSearch::count) { return Errc::not_found; }
    return found;
}

Result<std::size_t> ListHandle::count(const ObjectType& type, Timeout timeout) const noexcept {
    const HeldObject held(*this, type, timeout);
    if (!held.status().ok()) { return held.status().error(); }
    return std::size_t{ListTable(held.arena(), held.entry()).count()};
}

Status ListHandle::erase(const ObjectType& type, std::ptrdiff_t from, std::ptrdiff_t to,
                         Timeout timeout) const noexcept {
    const HeldObject held(*this, type, timeout);
    if (!held.status().ok()) { return held.status(); }
    const std::uint32_t count = ListTable(held.arena(), held.entry()).count();
    const std::uint32_t begin = clamped(from, count), end = clamped(to, count);
    return erase_range(held, begin, end > begin ? end - begin : 0, held.deadline_ns());
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
