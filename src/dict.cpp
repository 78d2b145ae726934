// What users do with a dictionary of a manager.
#include <brood/detail/dict_handle.hpp>

#include <utility>

#include "arena_dict.hpp"
#include "deadline.hpp"
#include "dict_decisions.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::uint32_t kNote = 8;  // before each item of a copy: bytes of its key and value

std::size_t copied_bytes(const DictItemView& item) noexcept {
    return kNote + DictTable::padded(item.key_bytes) + DictTable::padded(item.value_bytes);
}

/// With the lock: what all items of a dictionary need in a copy. Errors: corrupt.
Result<std::size_t> measure(const DictTable& table) noexcept {
    std::size_t bytes = 0;
    std::uint32_t left = table.most();
    for (Place place = table.oldest(); place != 0; --left) {
        const DictItemView item = table.item(place);
        if (!item || left == 0) { return Errc::corrupt; }
        bytes += copied_bytes(item);
        place = load(item->newer);
    }
    const bool is_whole = left == 0 && table.most() == table.count();
    return is_whole ? Result<std::size_t>(bytes) : Result<std::size_t>(Errc::corrupt);
}

/// With the lock, into what measure() gave. False: a stranger has made it another since.
bool copy_out(const DictTable& table, unsigned char* to, std::size_t room) noexcept {
    for (Place place = table.oldest(); place != 0;) {
        const DictItemView item = table.item(place);
        const std::size_t needed = copied_bytes(item);
        if (!item || needed > room) { return false; }
        const std::uint32_t bytes[2] = {item.key_bytes, item.value_bytes};
        __builtin_memcpy(to, bytes, sizeof bytes);
        __builtin_memcpy(to + kNote, item.key(), bytes[0]);
        __builtin_memcpy(to + kNote + DictTable::padded(bytes[0]), item.value(), bytes[1]);
        to += needed;
        room -= needed;
        place = load(item->newer);
    }
    return room == 0;
}

/// With the lock. If killed in here: as ArenaStep has it.
Status apply(const HeldObject& held, DictTable& table, const void* key, std::size_t key_bytes,
             std::uint32_t hash, Word* link, const DictChange& change,
             std::int64_t deadline_ns) noexcept {
    const bool is_there = link != nullptr && load(*link) != 0;
    const bool is_put = change.what == DictChange::What::put;
    {
        ArenaStep step(held.arena(), deadline_ns);
        if (!step.status().ok()) { return step.status(); }
        const Status made =
            !is_put    ? table.erase(step, *link)
            : is_there ? table.replace(step, *link, change.value, change.bytes)
                       : table.insert(step, key, key_bytes, hash, change.value, change.bytes);
        if (!made.ok()) { return made; }
        const Status done = step.commit();
        if (!done.ok()) { return done; }
    }
    if (is_put && !is_there) { table.grow(deadline_ns); }
    if (!is_put) { table.shrink(deadline_ns); }
    return Errc::ok;
}

}  // namespace

Status DictHandle::change(const ObjectType& type, const void* key, std::size_t key_bytes,
                          DictDecide decide, void* context, Timeout timeout) const noexcept {
    const HeldObject held(*this, type, timeout);
    if (!held.status().ok()) { return held.status(); }
    DictTable table(held.arena(), held.entry());
    const std::uint32_t hash = table.hash(key, key_bytes);
    Word* const link = table.find(key, key_bytes, hash);
    if (link == nullptr && table.count() != 0) { return Errc::corrupt; }
    const DictItemView item = link == nullptr ? DictItemView() : table.item(load(*link));
    const DictChange change = item ? decide(context, item.value(), item.value_bytes)
                                   : decide(context, nullptr, 0);
    const bool has_work = change.what == DictChange::What::put ||
                          (change.what == DictChange::What::erase && item);
    if (!has_work) { return Errc::ok; }
    const bool is_put = change.what == DictChange::What::put;
    if (item && is_put && table.replace_at_once(item, change.value, change.bytes)) {
        return Errc::ok;
    }
    return apply(held, table, key, key_bytes, hash, link, change, held.deadline_ns());
}

Status DictHandle::set(const ObjectType& type, const void* key, std::size_t key_bytes,
                       const void* value, std::size_t bytes, Timeout timeout) const noexcept {
    DictChange put{DictChange::What::put, value, bytes};
    return change(type, key, key_bytes, &decide_on, &put, timeout);
}

Result<bool> DictHandle::has(const ObjectType& type, const void* key, std::size_t key_bytes,
                             Timeout timeout) const noexcept {
    bool is_there = false;
    const auto decide = [](void* context, const void* value, std::size_t) noexcept {
        *static_cast<bool*>(context) = value != nullptr;
        return DictChange();
    };
    const Status done = change(type, key, key_bytes, decide, &is_there, timeout);
    if (!done.ok()) { return done.error(); }
    return is_there;
}

Status DictHandle::erase_key(const ObjectType& type, const void* key, std::size_t key_bytes,
                             Timeout timeout) const noexcept {
    bool is_there = false;
    const auto decide = [](void* context, const void* value, std::size_t) noexcept {
        *static_cast<bool*>(context) = value != nullptr;
        return DictChange{DictChange::What::erase, nullptr, 0};
    };
    const Status done = change(type, key, key_bytes, decide, &is_there, timeout);
    return !done.ok() || is_there ? done : Status(Errc::not_found);
}

Result<std::size_t> DictHandle::take(const ObjectType& type, const void* key, std::size_t key_bytes,
                                     void* value, std::size_t room,
                                     Timeout timeout) const noexcept {
    TakenOut taken = {value, room};
    const Status done = change(type, key, key_bytes, &TakenOut::decide, &taken, timeout);
    if (!done.ok()) { return done.error(); }
    return taken.bytes;
}

Result<std::size_t> DictHandle::get(const ObjectType& type, const void* key, std::size_t key_bytes,
                                    void* value, std::size_t room, Timeout timeout) const noexcept {
    const HeldObject held(*this, type, timeout);
    if (!held.status().ok()) { return held.status().error(); }
    const DictTable table(held.arena(), held.entry());
    const Word* const link = table.find(key, key_bytes, table.hash(key, key_bytes));
    if (link == nullptr) { return table.count() == 0 ? Errc::not_found : Errc::corrupt; }
    const DictItemView item = table.item(load(*link));
    if (!item) { return Errc::not_found; }
    const std::size_t bytes = item.value_bytes;
    if (bytes > room) { return Error(Errc::buffer_too_short, 0, static_cast<std::int64_t>(bytes)); }
    __builtin_memcpy(value, item.value(), bytes);
    return bytes;
}

Status DictHandle::pop_newest(const ObjectType& type, void* key, std::size_t& key_bytes,
                              void* value, std::size_t& bytes, Timeout timeout) const noexcept {
    const HeldObject held(*this, type, timeout);
    if (!held.status().ok()) { return held.status(); }
    DictTable table(held.arena(), held.entry());
    const DictItemView item = table.item(table.newest());
    if (!item) { return table.count() == 0 ? Errc::not_found : Errc::corrupt; }
    const std::size_t has[2] = {item.key_bytes, item.value_bytes};
    if (has[0] > key_bytes || has[1] > bytes) {
        return Error(Errc::buffer_too_short, 0, static_cast<std::int64_t>(has[1]));
    }
    __builtin_memcpy(key, item.key(), has[0]);
    __builtin_memcpy(value, item.value(), has[1]);
    key_bytes = has[0];
    bytes = has[1];
    const std::uint32_t hash = load(item->hash);
    Word* const link = table.find(key, has[0], hash);
    if (link == nullptr || load(*link) == 0) { return Errc::corrupt; }
    const DictChange erase{DictChange::What::erase, nullptr, 0};
    return apply(held, table, key, has[0], hash, link, erase, held.deadline_ns());
}

Result<std::size_t> DictHandle::count(const ObjectType& type, Timeout timeout) const noexcept {
    const HeldObject held(*this, type, timeout);
    if (!held.status().ok()) { return held.status().error(); }
    return std::size_t{DictTable(held.arena(), held.entry()).count()};
}

Status DictHandle::clear(const ObjectType& type, Timeout timeout) const noexcept {
    const HeldObject held(*this, type, timeout);
    if (!held.status().ok()) { return held.status(); }
    ArenaStep step(held.arena(), held.deadline_ns());
    if (!step.status().ok()) { return step.status(); }
    const Result<std::uint32_t> moved = move_out(step, held.entry());
    if (!moved.ok()) { return moved.error(); }
    const Status cleared = step.commit();
    // If killed here: who makes the next object frees what there was.
    if (cleared.ok()) { drop_moved(held.arena(), *moved); }
    return cleared;
}

Result<DictCopy> DictHandle::copy(const ObjectType& type, Timeout timeout) const noexcept {
    const HeldObject held(*this, type, timeout);
    if (!held.status().ok()) { return held.status().error(); }
    const DictTable table(held.arena(), held.entry());
    DictCopy copy;
    copy.count_ = table.count();
    if (copy.count_ == 0) { return copy; }
    const Result<std::size_t> bytes = measure(table);
    if (!bytes.ok()) { return bytes.error(); }
    const Result<void*> memory = port::map_private(*bytes);
    if (!memory.ok()) { return memory.error(); }
    copy.memory_ = static_cast<unsigned char*>(*memory);
    copy.bytes_ = copy.used_ = *bytes;
    if (!copy_out(table, copy.memory_, *bytes)) { return Errc::corrupt; }
    return copy;
}

DictCopy::DictCopy(DictCopy&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0u)),
      used_(std::exchange(other.used_, 0u)),
      count_(std::exchange(other.count_, 0u)) {}

DictCopy& DictCopy::operator=(DictCopy&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
    std::swap(used_, other.used_);
    std::swap(count_, other.count_);
    return *this;
}

DictCopy::~DictCopy() noexcept {
    if (memory_ != nullptr) { port::unmap(memory_, bytes_); }
}

DictCopy::Item DictCopy::item_at(const unsigned char* at) noexcept {
    std::uint32_t bytes[2];
    __builtin_memcpy(bytes, at, sizeof bytes);
    return {at + kNote, bytes[0], at + kNote + DictTable::padded(bytes[0]), bytes[1]};
}

const unsigned char* DictCopy::after(const unsigned char* at) noexcept {
    const Item item = item_at(at);
    return at + kNote + DictTable::padded(item.key_bytes) + DictTable::padded(item.value_bytes);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
