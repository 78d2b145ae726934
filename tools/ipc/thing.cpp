#include <tools/ipc/thing.hpp>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <brood/named_semaphore.hpp>
#include <port/port.hpp>
#include <tools/ipc/header.hpp>

namespace tool::ipc {
namespace {

// Where glibc and musl have what they make; glibc has "sem." before the name of a semaphore, which
// musl takes for shared memory.
constexpr const char* kFolder = "/dev/shm";
constexpr const char* kSemaphorePrefix = "sem.";

/// Where the system shows message queues as files; null: nowhere.
const char* queue_folder() noexcept {
    static char folder[256];
    static bool is_known = false;
    if (is_known) { return folder[0] != '\0' ? folder : nullptr; }
    is_known = true;
    std::FILE* const mounts = std::fopen("/proc/self/mounts", "re");
    char line[1024], place[256], type[32];
    while (mounts != nullptr && std::fgets(line, sizeof line, mounts) != nullptr) {
        const bool is_ours = std::sscanf(line, "%*s %255s %31s", place, type) == 2 &&
                             std::strcmp(type, "mqueue") == 0;
        if (is_ours) { std::strcpy(folder, place); }
    }
    if (mounts != nullptr) { std::fclose(mounts); }
    return folder[0] != '\0' ? folder : nullptr;
}

const char* folder_of(Type type) noexcept {
    return type == Type::mq ? queue_folder() : kFolder;
}

bool is_folder(const char* path) noexcept {
    struct stat status;
    return path != nullptr && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

void note_file(const struct stat& status, Thing& thing) noexcept {
    thing.has_file_facts = true;
    thing.mode = static_cast<std::uint32_t>(status.st_mode & 07777);
    thing.owner = static_cast<std::uint32_t>(status.st_uid);
    thing.device = static_cast<std::uint64_t>(status.st_dev);
    thing.inode = static_cast<std::uint64_t>(status.st_ino);
    thing.bytes = status.st_size > 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
    thing.changed_ms = std::int64_t{status.st_mtim.tv_sec} * 1000 +
                       status.st_mtim.tv_nsec / 1000000;
}

/// 0: its file is there, and its path and facts are noted.
int find_file(Thing& thing) noexcept {
    const char* const prefix = thing.type == Type::sem ? kSemaphorePrefix : "";
    std::snprintf(thing.path, sizeof thing.path, "%s/%s%s", folder_of(thing.type), prefix,
                  thing.name + 1);
    struct stat status;
    const int error = lstat(thing.path, &status) != 0 ? errno : 0;
    // What else may lie there was not made by name.
    if (error == 0 && S_ISREG(status.st_mode)) { return note_file(status, thing), 0; }
    thing.path[0] = '\0';
    return error == 0 ? ENOENT : error;
}

int errno_of(const brood::Error& error) noexcept {
    return error.os_error() != 0 ? error.os_error() : EINVAL;
}

int look_at_memory(Thing& thing) noexcept {
    const int file = shm_open(thing.name, O_RDONLY, 0);
    if (file < 0) { return thing.has_file_facts ? 0 : errno; }
    struct stat status;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
        note_file(status, thing);
        read_header(file, thing);
    }
    close(file);
    return 0;
}

int look_at_semaphore(Thing& thing) noexcept {
    const brood::Result<brood::NamedSemaphore> opened = brood::NamedSemaphore::open(thing.name);
    if (!opened.ok()) { return thing.has_file_facts ? 0 : errno_of(opened.error()); }
    const brood::Result<std::uint32_t> value = opened->value();
    thing.has_content = value.ok();
    thing.count = value.value_or(0);
    return 0;
}

int look_at_queue(Thing& thing) noexcept {
    const brood::Result<brood::port::Mq> queue = brood::port::mq_open(thing.name);
    if (!queue.ok()) { return thing.has_file_facts ? 0 : errno_of(queue.error()); }
    const brood::Result<brood::port::MqState> state = brood::port::mq_state(*queue);
    struct stat status;
    if (fstat(brood::port::mq_fd(*queue), &status) == 0) { note_file(status, thing); }
    thing.bytes = 0;
    if (state.ok()) {
        thing.has_content = true;
        thing.count = state->count;
        thing.count_max = state->depth;
        thing.item_bytes = static_cast<std::uint32_t>(state->message_bytes);
        thing.bytes = std::uint64_t{state->depth} * state->message_bytes;
    }
    brood::port::mq_close(*queue);
    return 0;
}

/// Adds what lies in a folder. False: there is none, or it cannot be read.
bool list_folder(const char* folder, bool is_queues, bool everybody,
                 GrowingList<Thing>& things) noexcept {
    DIR* const listing = folder == nullptr ? nullptr : opendir(folder);
    if (listing == nullptr) { return false; }
    const std::size_t prefix = std::strlen(kSemaphorePrefix);
    while (const dirent* const entry = readdir(listing)) {
        const bool is_semaphore = !is_queues &&
                                  std::strncmp(entry->d_name, kSemaphorePrefix, prefix) == 0;
        const Type type = is_queues ? Type::mq : is_semaphore ? Type::sem : Type::shm;
        char name[257];
        std::snprintf(name, sizeof name, "/%s", entry->d_name + (is_semaphore ? prefix : 0));
        Thing thing;
        if (look_at(type, name, thing) != 0) { continue; }
        const bool is_own = thing.has_file_facts && thing.owner == geteuid();
        if (is_own || everybody) { things.add(thing); }
    }
    closedir(listing);
    return true;
}

}  // namespace

const char* word_for(Type type) noexcept {
    switch (type) {
        case Type::shm: return "shm";
        case Type::sem: return "sem";
        case Type::mq: return "mq";
    }
    return "?";
}

bool read_type(const char* word, Type& type) noexcept {
    for (const Type each : kTypes) {
        if (std::strcmp(word, word_for(each)) != 0) { continue; }
        type = each;
        return true;
    }
    return false;
}

const char* word_for(State state) noexcept {
    switch (state) {
        case State::used: return "used";
        case State::unused: return "unused";
        case State::orphaned: return "orphaned";
        case State::unknown: return "unknown";
    }
    return "?";
}

const char* kind_of(const Thing& thing) noexcept {
    if (thing.type == Type::sem) { return "semaphore"; }
    if (thing.type == Type::mq) { return "message queue"; }
    switch (thing.maker) {
        case Maker::stranger: return "shared memory";
        case Maker::unfinished: return "brood, unfinished";
        case Maker::other: return "other brood";
        case Maker::damaged: return "brood, damaged";
        case Maker::nameless: return "brood, nameless";
        case Maker::value: return "brood value";
        case Maker::array: return "brood array";
        case Maker::queue: return "brood queue";
        case Maker::pool: return "brood pool";
        case Maker::manager: return "brood manager";
    }
    return "?";
}

int look_at(Type type, const char* name, Thing& thing) noexcept {
    thing = Thing();
    thing.type = type;
    if (std::strlen(name) >= sizeof thing.name) { return ENAMETOOLONG; }
    std::strcpy(thing.name, name);
    thing.state = State::unknown;
    if (is_folder(folder_of(type))) {
        const int error = find_file(thing);
        if (error != 0) { return error; }
    }
    switch (type) {
        case Type::shm: return look_at_memory(thing);
        case Type::sem: return look_at_semaphore(thing);
        case Type::mq: return look_at_queue(thing);
    }
    return EINVAL;
}

Gaps list_things(bool everybody, GrowingList<Thing>& things) noexcept {
    Gaps gaps = {};
    if (!list_folder(kFolder, false, everybody, things)) {
        gaps.files = "shared memory and semaphores are not listed: there is no /dev/shm to read";
    }
    if (!list_folder(queue_folder(), true, everybody, things)) {
        gaps.queues =
            "message queues are not listed: no file system of type mqueue is mounted "
            "(mount -t mqueue none /dev/mqueue)";
    }
    std::sort(things.begin(), things.end(), [](const Thing& a, const Thing& b) {
        const int order = std::strcmp(a.name, b.name);
        return order != 0 ? order < 0 : a.type < b.type;
    });
    return gaps;
}

int remove_thing(const Thing& thing) noexcept {
    if (thing.path[0] != '\0') { return unlink(thing.path) == 0 ? 0 : errno; }
    int result = 0;
    switch (thing.type) {
        case Type::shm: result = shm_unlink(thing.name); break;
        case Type::sem: result = sem_unlink(thing.name); break;
        case Type::mq: result = mq_unlink(thing.name); break;
    }
    return result == 0 ? 0 : errno;
}

}  // namespace tool::ipc
