#include <tools/ipc/options.hpp>

#include <cstdio>
#include <iterator>

#include <brood/result.hpp>
#include <src/names.hpp>

namespace tool {
namespace {

enum Key : int { kOrphans = Option::kNoLetter, kUnused };

constexpr const char* kTypeWords = "shm|sem|mq";
constexpr Option kTypeRow = {'t', "type", kTypeWords,
                             "only shared memory, a semaphore, or a message queue"};

constexpr Option kLsOptions[] = {
    {'a', "all", nullptr, "also what belongs to other users"},
    {'l', "long", nullptr, "also each process that uses it, and how"},
    {kOrphans, "orphans", nullptr, "only what nobody uses and whose creator is dead"},
    {'j', "json", nullptr, "one object, in one line; times in milliseconds"},
};
constexpr Option kStatOptions[] = {
    kTypeRow,
    {'j', "json", nullptr, "an array of all that has the name, in one line"},
};
constexpr Option kRmOptions[] = {
    {'f', "force", nullptr, "ask nothing, and remove also what is in use"},
    {kOrphans, "orphans", nullptr, "all of yours that nobody uses and whose creator is dead"},
    {kUnused, "unused", nullptr, "all of yours that nobody uses, whoever made it"},
    kTypeRow,
};

}  // namespace

extern const Manual kIpcLsManual = {
    "ipc ls",
    "what programs share by a name, who uses it, and what was left behind",
    "[-al] [--orphans] [--json]",
    "List the shared memory, the semaphores and the message queues of this user: how large and how "
    "old, who made it, how many processes use it. What brood has made is told apart.",
    kLsOptions,
    std::size(kLsOptions),
    "STATE is \"used\"; \"orphaned\": nobody uses it, and who made it is dead; \"unused\": nobody "
    "uses it, and who made it lives, or is not known, as of semaphores and of what strangers made; "
    "\"unknown\": some processes that could use it may not be looked at. Those of other pid "
    "namespaces are not seen. AGE counts from when it was made; of a message queue, from its last "
    "message. BYTES of a message queue are those of all the messages that it may hold.",
    "0 if all was listed, or if the system does not list some, which is said; 1 if the usage was "
    "wrong.",
    Operands::none,
    false,
};

extern const Manual kIpcStatManual = {
    "ipc stat",
    "all that is known of one shared thing, and what a manager holds",
    "[-t TYPE] [--json] NAME",
    "Show what is known of the shared memory, the semaphore or the message queue NAME, and who "
    "uses it. Of a manager (Manager::create_named()) also its memory, and each of its objects; it "
    "goes on meanwhile, and each line is how one object was at one moment.",
    kStatOptions,
    std::size(kStatOptions),
    "NAME begins with '/', as in the program that made it. In a manager COUNT are the items of a "
    "dict or list, or the elements of an array; BYTES what one that is no container takes; of an "
    "object that is not KEPT the memory goes with the thread that made it.",
    "0 if all was shown; 1 if there is no such thing, or the manager cannot be opened, or the "
    "usage was wrong.",
    Operands::objects,
    false,
};

extern const Manual kIpcRmManual = {
    "ipc rm",
    "remove names of shared things: asks first, and keeps what is in use",
    "[-f] [-t TYPE] NAME...\n"
    "[-f] [-t TYPE] --orphans | --unused",
    "Remove names. Each is asked for on the terminal; where there is none, -f is needed. What is "
    "in use is removed with -f only: those who use it keep it, and nobody else finds it.",
    kRmOptions,
    std::size(kRmOptions),
    "With --orphans and --unused nothing that is in use is removed, nor, even with -f, what cannot "
    "be told.",
    "0 if all is removed that you did not keep by your answer; 1 if something could not be, or was "
    "in use, or the usage was wrong.",
    Operands::objects,
    false,
};

namespace ipc {
namespace {

bool take_type(const Given& given, Wanted& wanted) noexcept {
    wanted.is_any_type = false;
    return read_type(given.value(), wanted.type) || given.refuse("shm, sem or mq");
}

bool is_name(const Manual& manual, const char* name) noexcept {
    const brood::Status status = brood::detail::check_name(name);
    if (status.ok()) { return true; }
    std::fprintf(stderr, "brood %s: %s: %s\n", manual.name, name, status.error().text());
    return false;
}

}  // namespace

Parsed parse_options(int count, char** arguments, LsOptions& options) noexcept {
    int first = 0;
    const Parsed parsed =
        tool::parse_options(kIpcLsManual, count, arguments, first, [&](const Given& given) {
            switch (given.key()) {
                case 'a': options.everybody = true; return true;
                case 'l': options.with_users = true; return true;
                case kOrphans: options.orphans = true; return true;
                case 'j': options.json = true; return true;
                default: return false;
            }
        });
    if (parsed != Parsed::run || first == count) { return parsed; }
    std::fprintf(stderr, "brood ipc ls: it takes no '%s'\n", arguments[first]);
    return refuse_usage(kIpcLsManual.name);
}

Parsed parse_options(int count, char** arguments, StatOptions& options) noexcept {
    int first = 0;
    const Parsed parsed =
        tool::parse_options(kIpcStatManual, count, arguments, first, [&](const Given& given) {
            if (given.key() == 't') { return take_type(given, options.wanted); }
            options.json = given.key() == 'j';
            return true;
        });
    if (parsed != Parsed::run) { return parsed; }
    if (first + 1 != count) {
        std::fputs("brood ipc stat: give it one name\n", stderr);
        return refuse_usage(kIpcStatManual.name);
    }
    options.name = arguments[first];
    return is_name(kIpcStatManual, options.name) ? Parsed::run : Parsed::refused;
}

Parsed parse_options(int count, char** arguments, RmOptions& options) noexcept {
    int first = 0;
    const Parsed parsed =
        tool::parse_options(kIpcRmManual, count, arguments, first, [&](const Given& given) {
            switch (given.key()) {
                case 'f': options.force = true; return true;
                case kOrphans: options.orphans = true; return true;
                case kUnused: options.unused = true; return true;
                case 't': return take_type(given, options.wanted);
                default: return false;
            }
        });
    if (parsed != Parsed::run) { return parsed; }
    options.names = arguments + first;
    options.name_count = count - first;
    const int ways = (options.name_count > 0 ? 1 : 0) + (options.orphans ? 1 : 0) +
                     (options.unused ? 1 : 0);
    if (ways != 1) {
        std::fputs("brood ipc rm: give it names, or --orphans, or --unused\n", stderr);
        return refuse_usage(kIpcRmManual.name);
    }
    for (int i = 0; i < options.name_count; ++i) {
        if (!is_name(kIpcRmManual, options.names[i])) { return Parsed::refused; }
    }
    return Parsed::run;
}

}  // namespace ipc
}  // namespace tool
