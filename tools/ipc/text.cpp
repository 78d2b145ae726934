#include <tools/ipc/text.hpp>

#include <time.h>

#include <cinttypes>
#include <cstdio>

#include <tools/json_text.hpp>
#include <tools/proc.hpp>
#include <tools/sum_format.hpp>
#include <tools/time_text.hpp>

namespace tool::ipc {
namespace {

constexpr std::size_t kNameRoom = 4 * sizeof(Thing::name);

const char* how(const User& user) noexcept {
    if (user.maps && user.opens) { return "maps it, has it open"; }
    return user.maps ? "maps it" : "has it open";
}

std::int64_t age_ms(const Thing& thing) noexcept {
    timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    const std::int64_t age = std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000 -
                             thing.changed_ms;
    return age > 0 ? age : 0;
}

/// The columns before the name, "-" or "?" where nothing is known.
struct Columns {
    char bytes[24] = "?", age[48] = "?", mode[8] = "?", owner[16] = "?", creator[24] = "-",
         users[16] = "?";

    Columns(const Thing& thing, const Users& all) noexcept {
        if (thing.has_file_facts) {
            std::snprintf(mode, sizeof mode, "%04" PRIo32, thing.mode);
            std::snprintf(owner, sizeof owner, "%" PRIu32, thing.owner);
            format_time(age, sizeof age, age_ms(thing));
        }
        if (thing.has_file_facts || thing.has_content) {
            std::snprintf(bytes, sizeof bytes, "%" PRIu64, thing.bytes);
        }
        if (thing.creator > 0) {
            std::snprintf(creator, sizeof creator, "%" PRId32 "%s", thing.creator,
                          thing.creator_life == Life::dead ? " dead" : "");
        }
        if (all.are_known(thing)) {
            std::snprintf(users, sizeof users, "%" PRIu32, thing.user_count);
        }
    }
};

void print_content(const Thing& thing) noexcept {
    if (!thing.has_content) { return; }
    switch (thing.type) {
        case Type::sem: std::printf("  permits   %" PRIu64 "\n", thing.count); return;
        case Type::mq:
            std::printf("  messages  %" PRIu64 " of %" PRIu64 ", of up to %" PRIu32 " bytes\n",
                        thing.count, thing.count_max, thing.item_bytes);
            return;
        case Type::shm: break;
    }
    switch (thing.maker) {
        case Maker::value:
            std::printf("  value     of %" PRIu32 " bytes\n", thing.item_bytes);
            return;
        case Maker::array:
            std::printf("  elements  %" PRIu64 " of %" PRIu32 " bytes\n", thing.count,
                        thing.item_bytes);
            return;
        case Maker::queue:
            std::printf("  room      for %" PRIu64 " messages of %" PRIu32 " bytes\n", thing.count,
                        thing.item_bytes);
            return;
        case Maker::pool:
            std::printf("  room      for %" PRIu64 " workers (brood ps shows them)\n", thing.count);
            return;
        default: return;
    }
}

void print_user(const User& user, const char* margin) noexcept {
    char program[32];
    name_program(user.pid, program, sizeof program);
    std::printf("%s%9" PRId32 "  %-15s  %s\n", margin, user.pid, program[0] != '\0' ? program : "?",
                how(user));
}

void print_json_count(const Thing& thing) noexcept {
    if (!thing.has_content) { return; }
    std::printf(",\"count\":%" PRIu64, thing.count);
    if (thing.type == Type::mq) { std::printf(",\"count_max\":%" PRIu64, thing.count_max); }
    if (thing.type != Type::sem) { std::printf(",\"item_bytes\":%" PRIu32, thing.item_bytes); }
}

void print_json_users(const Thing& thing, const Users& users) noexcept {
    if (!users.are_known(thing)) { return void(std::fputs(",\"users\":null", stdout)); }
    std::fputs(",\"users\":[", stdout);
    for (std::uint32_t i = 0; i < thing.user_count; ++i) {
        const User& user = users.of(thing)[i];
        char program[32];
        name_program(user.pid, program, sizeof program);
        std::printf("%s{\"pid\":%" PRId32 ",\"program\":", i > 0 ? "," : "", user.pid);
        print_json_text(stdout, program);
        std::printf(",\"maps\":%s,\"opens\":%s}", user.maps ? "true" : "false",
                    user.opens ? "true" : "false");
    }
    std::fputc(']', stdout);
}

}  // namespace

void print_head(bool everybody) noexcept {
    std::printf("%-17s  %11s  %11s  %4s%s  %-13s  %5s  %-8s  %s\n", "KIND", "BYTES", "AGE", "MODE",
                everybody ? "    OWNER" : "", "CREATOR", "USERS", "STATE", "NAME");
}

void print_line(const Thing& thing, const Users& users, bool everybody, bool with_users) noexcept {
    const Columns columns(thing, users);
    char name[kNameRoom];
    std::printf("%-17s  %11s  %11s  %4s", kind_of(thing), columns.bytes, columns.age, columns.mode);
    if (everybody) { std::printf("  %7s", columns.owner); }
    std::printf("  %-13s  %5s  %-8s  %s\n", columns.creator, columns.users, word_for(thing.state),
                format_name(name, sizeof name, thing.name));
    for (std::uint32_t i = 0; with_users && i < thing.user_count; ++i) {
        print_user(users.of(thing)[i], "");
    }
}

void print_facts(const Thing& thing, const Users& users) noexcept {
    const Columns columns(thing, users);
    char name[kNameRoom], program[32];
    std::printf("%s: %s, %s\n", format_name(name, sizeof name, thing.name), kind_of(thing),
                word_for(thing.state));
    std::printf("  bytes     %s\n", columns.bytes);
    print_content(thing);
    std::printf("  age       %s\n", columns.age);
    std::printf("  mode      %s, owner %s\n", columns.mode, columns.owner);
    if (thing.creator > 0 && thing.creator_life != Life::dead) {
        name_program(thing.creator, program, sizeof program);
        std::printf("  creator   %s (%s), alive\n", columns.creator,
                    program[0] != '\0' ? program : "?");
    } else {
        std::printf("  creator   %s\n", thing.creator > 0 ? columns.creator : "not known");
    }
    if (!users.are_known(thing)) {
        const char* const why = users.are_known() ? "" : ": there is no /proc";
        std::printf("  users     not known%s\n", why);
        return;
    }
    std::printf("  users     %s%s\n", columns.users,
                thing.state == State::unknown ? ", beside those who may not be looked at" : "");
    for (std::uint32_t i = 0; i < thing.user_count; ++i) { print_user(users.of(thing)[i], "  "); }
}

void print_json_facts(const Thing& thing, const Users& users) noexcept {
    std::fputs("\"name\":", stdout);
    print_json_text(stdout, thing.name);
    std::printf(",\"type\":\"%s\",\"kind\":\"%s\",\"state\":\"%s\"", word_for(thing.type),
                kind_of(thing), word_for(thing.state));
    if (thing.has_file_facts) {
        std::printf(",\"bytes\":%" PRIu64 ",\"age_ms\":%" PRId64 ",\"mode\":\"%04" PRIo32
                    "\",\"owner\":%" PRIu32,
                    thing.bytes, age_ms(thing), thing.mode, thing.owner);
    }
    print_json_count(thing);
    if (thing.creator > 0) {
        std::printf(",\"creator\":%" PRId32 ",\"creator_alive\":%s", thing.creator,
                    thing.creator_life == Life::dead ? "false" : "true");
    }
    print_json_users(thing, users);
}

const char* list_users(char* text, std::size_t room, const Thing& thing,
                       const Users& users) noexcept {
    constexpr std::uint32_t kShown = 4;
    std::size_t at = 0;
    text[0] = '\0';
    for (std::uint32_t i = 0; i < thing.user_count && i < kShown && at < room; ++i) {
        const std::int32_t pid = users.of(thing)[i].pid;
        char program[32];
        name_program(pid, program, sizeof program);
        const int written = std::snprintf(text + at, room - at, "%s%" PRId32 " (%s)",
                                          i > 0 ? ", " : "", pid,
                                          program[0] != '\0' ? program : "?");
        at += written > 0 ? static_cast<std::size_t>(written) : 0;
    }
    if (thing.user_count > kShown && at < room) {
        std::snprintf(text + at, room - at, " and %" PRIu32 " more", thing.user_count - kShown);
    }
    return text;
}

}  // namespace tool::ipc
