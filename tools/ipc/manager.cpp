#include <tools/ipc/manager.hpp>

#include <cinttypes>
#include <cstdio>

#include <brood/manager.hpp>
#include <tools/json_text.hpp>

namespace tool::ipc {
namespace {

using brood::Manager;
using brood::ManagerObject;
using brood::ManagerStats;
using brood::detail::ElementSort;
using brood::detail::ObjectKind;

const char* word_for(ObjectKind kind) noexcept {
    switch (kind) {
        case ObjectKind::none: break;
        case ObjectKind::dict: return "dict";
        case ObjectKind::list: return "list";
        case ObjectKind::value: return "value";
        case ObjectKind::array: return "array";
        case ObjectKind::queue: return "queue";
        case ObjectKind::joinable_queue: return "joinable queue";
        case ObjectKind::lock: return "lock";
        case ObjectKind::rlock: return "rlock";
        case ObjectKind::semaphore: return "semaphore";
        case ObjectKind::bounded_semaphore: return "bounded semaphore";
        case ObjectKind::condition: return "condition";
        case ObjectKind::event: return "event";
        case ObjectKind::barrier: return "barrier";
    }
    return "?";
}

/// "u32", "text", "plain24"; "" of nothing.
void name_element(char* to, std::size_t room, std::uint32_t type) noexcept {
    const unsigned bytes = type & 0xffffff;
    switch (brood::detail::sort_of(type)) {
        case ElementSort::nothing: to[0] = '\0'; return;
        case ElementSort::unsigned_integer: std::snprintf(to, room, "u%u", bytes * 8); return;
        case ElementSort::signed_integer: std::snprintf(to, room, "i%u", bytes * 8); return;
        case ElementSort::floating: std::snprintf(to, room, "f%u", bytes * 8); return;
        case ElementSort::boolean: std::snprintf(to, room, "bool"); return;
        case ElementSort::text: std::snprintf(to, room, "text"); return;
        case ElementSort::bytes: std::snprintf(to, room, "bytes"); return;
        case ElementSort::plain: std::snprintf(to, room, "struct of %u", bytes); return;
        case ElementSort::handle: std::snprintf(to, room, "handle"); return;
    }
    std::snprintf(to, room, "?");
}

/// "i32 -> text", "f64".
void name_elements(char* to, std::size_t room, const ManagerObject& object) noexcept {
    char first[32], second[32] = "";
    name_element(first, sizeof first, object.type.elements[0]);
    const bool is_dict = object.type.kind == ObjectKind::dict;
    if (is_dict) { name_element(second, sizeof second, object.type.elements[1]); }
    const char* const arrow = is_dict ? " -> " : "";
    // The values of a namespace are of any type.
    const char* const value = is_dict && second[0] == '\0' ? "any" : second;
    std::snprintf(to, room, "%s%s%s", first, arrow, value);
}

void print_json(const ManagerObject& object) noexcept {
    char elements[80];
    name_elements(elements, sizeof elements, object);
    std::fputs("{\"name\":", stdout);
    print_json_text(stdout, object.name.c_str());
    std::printf(",\"kind\":\"%s\",\"elements\":\"%s\",\"count\":%" PRIu64 ",\"bytes\":%" PRIu64
                ",\"kept\":%s}",
                word_for(object.type.kind), elements, object.count, object.bytes,
                object.is_kept ? "true" : "false");
}

void print_line(const ManagerObject& object) noexcept {
    char elements[80];
    name_elements(elements, sizeof elements, object);
    std::printf("%-17s  %-16s  %10" PRIu64 "  %10" PRIu64 "  %-4s  %s\n",
                word_for(object.type.kind), elements, object.count, object.bytes,
                object.is_kept ? "yes" : "no", object.name.empty() ? "-" : object.name.c_str());
}

bool fail(const char* name, const brood::Error& error) noexcept {
    char why[256];
    std::fprintf(stderr, "brood ipc stat: %s: %s\n", name, error.describe(why, sizeof why));
    return false;
}

void print_stats(const ManagerStats& stats, bool json) noexcept {
    if (json) {
        std::printf(",\"bytes_used\":%" PRIu64 ",\"bytes_max\":%" PRIu64 ",\"objects_max\":%" PRIu32
                    ",\"objects\":[",
                    stats.bytes_used, stats.bytes_max, stats.objects_max);
        return;
    }
    std::printf("  holds     %" PRIu64 " of %" PRIu64 " KiB, %" PRIu32 " of %" PRIu32 " objects\n",
                (stats.bytes_used + 1023) / 1024, stats.bytes_max / 1024, stats.objects,
                stats.objects_max);
    if (stats.objects == 0) { return; }
    std::printf("\n%-17s  %-16s  %10s  %10s  %-4s  %s\n", "KIND", "ELEMENTS", "COUNT", "BYTES",
                "KEPT", "NAME");
}

}  // namespace

bool print_manager(const char* name, bool json) noexcept {
    const brood::Result<Manager> manager = Manager::open(name);
    if (!manager.ok()) { return fail(name, manager.error()); }
    const brood::Timeout patience = brood::seconds(5);
    const brood::Result<ManagerStats> stats = manager->stats(patience);
    if (!stats.ok()) { return fail(name, stats.error()); }
    print_stats(*stats, json);
    std::uint32_t after = 0;
    brood::Result<ManagerObject> object = brood::Errc::not_found;
    for (bool is_first = true; (object = manager->next_object(after, patience)).ok();
         is_first = false) {
        if (json && !is_first) { std::fputc(',', stdout); }
        json ? print_json(*object) : print_line(*object);
        after = object->number;
    }
    if (json) { std::fputc(']', stdout); }
    return object.error() == brood::Errc::not_found || fail(name, object.error());
}

}  // namespace tool::ipc
