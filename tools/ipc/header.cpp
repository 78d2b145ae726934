#include <tools/ipc/header.hpp>

#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>

#include <src/named_object.hpp>
#include <src/pool_board.hpp>
#include <src/segment_layout.hpp>

namespace tool::ipc {
namespace {

using brood::Errc;
using brood::detail::SegmentFields;
using brood::detail::SegmentHeader;
using brood::detail::SegmentKind;

/// "/brood-anonymous-PID-...", the pid in hexadecimal digits.
void read_nameless(Thing& thing) noexcept {
    constexpr const char* kPrefix = "/brood-anonymous-";
    const std::size_t length = std::strlen(kPrefix);
    if (std::strncmp(thing.name, kPrefix, length) != 0) { return; }
    std::uint32_t pid = 0;
    thing.maker = Maker::nameless;
    if (std::sscanf(thing.name + length, "%" SCNx32 "-", &pid) == 1 && pid <= INT32_MAX) {
        thing.creator = static_cast<std::int32_t>(pid);
    }
}

Maker maker_of(std::uint16_t kind) noexcept {
    switch (static_cast<SegmentKind>(kind)) {
        case SegmentKind::value: return Maker::value;
        case SegmentKind::array: return Maker::array;
        case SegmentKind::queue: return Maker::queue;
        case SegmentKind::pool: return Maker::pool;
        case SegmentKind::manager: return Maker::manager;
    }
    return Maker::damaged;
}

/// Of a header that is not of our version nothing else is known.
Maker check(const SegmentHeader& header, const SegmentFields& fields,
            std::uint64_t bytes) noexcept {
    const Maker maker = maker_of(fields.kind);
    std::uint32_t places = 0;
    const Errc verdict =
        maker == Maker::pool
            ? brood::detail::check_board(header, bytes, places)
            : brood::detail::check_fields(
                  fields, bytes, {static_cast<SegmentKind>(fields.kind), fields.element_bytes, 0});
    if (verdict == Errc::version_mismatch) { return Maker::other; }
    return verdict == Errc::corrupt ? Maker::damaged : maker;
}

/// Whether its creator lives and is at it. Asks for the creation lock, as every opener does.
Life life_of_maker(const Thing& thing) noexcept {
    const brood::detail::ObjectGuard guard(brood::port::kNever);
    if (!guard.status().ok()) { return Life::unknown; }
    const auto object = brood::port::open_object(thing.name, true);
    if (!object.ok()) { return Life::unknown; }
    const brood::detail::Stage stage = brood::detail::stage_of(*object);
    brood::port::close(*object);
    return stage == brood::detail::Stage::left ? Life::dead : Life::alive;
}

}  // namespace

void read_header(int file, Thing& thing) noexcept {
    alignas(SegmentHeader) unsigned char bytes[sizeof(SegmentHeader)] = {};
    const ssize_t got = pread(file, bytes, sizeof bytes, 0);
    std::uint32_t magic = 0;
    std::memcpy(&magic, bytes, sizeof magic);
    if (got >= static_cast<ssize_t>(sizeof magic) && magic == brood::detail::kMagicMaking) {
        thing.maker = Maker::unfinished;
        thing.creator_life = life_of_maker(thing);
        return;
    }
    if (got != sizeof bytes || magic != brood::detail::kMagicReady) { return read_nameless(thing); }
    const SegmentHeader& header = *reinterpret_cast<const SegmentHeader*>(bytes);
    const SegmentFields fields = brood::detail::read_fields(header);
    thing.maker = check(header, fields, thing.bytes);
    if (thing.maker == Maker::other || thing.maker == Maker::damaged) { return; }
    thing.creator = header.creator_pid > 0 ? header.creator_pid : 0;
    thing.has_content = true;
    thing.count = fields.count;
    thing.item_bytes = fields.element_bytes;
}

}  // namespace tool::ipc
