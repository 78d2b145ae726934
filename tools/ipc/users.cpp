#include <tools/ipc/users.hpp>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include <tools/proc.hpp>

namespace tool::ipc {
namespace {

/// A process that began so much later than a thing was last changed did not make it: its clocks
/// tell whole seconds.
constexpr std::int64_t kClockSlackMs = 3000;

/// Whether the process that had the pid when the thing was made still lives.
Life life_of(std::int32_t pid, std::int64_t then_ms, std::int64_t boot_ms) noexcept {
    if (pid <= 0) { return Life::unknown; }
    if (kill(pid, 0) != 0 && errno == ESRCH) { return Life::dead; }
    ProcessFacts facts;
    if (!read_process(pid, facts)) { return Life::alive; }
    const bool has_ended = facts.state == 'Z' || facts.state == 'X';
    const bool is_another = boot_ms != 0 && boot_ms + facts.started_at_ms > then_ms + kClockSlackMs;
    return has_ended || is_another ? Life::dead : Life::alive;
}

/// "BEGIN-END rwxs OFFSET MAJOR:MINOR INODE  PATH".
bool read_mapping(const char* line, std::uint64_t& device, std::uint64_t& inode) noexcept {
    unsigned major_number = 0, minor_number = 0;
    const int found =
        std::sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major_number, &minor_number, &inode);
    device = makedev(major_number, minor_number);
    return found == 3 && inode != 0;
}

/// Whether a descriptor's link may be to one of the things: whoever asks a file system that does
/// not answer would wait for it.
bool may_be_shared(const char* link) noexcept {
    if (std::strncmp(link, "/dev/shm/", std::strlen("/dev/shm/")) == 0) { return true; }
    return link[0] == '/' && std::strchr(link + 1, '/') == nullptr;  // A message queue.
}

/// A process of which nothing may be read. What has ended meanwhile is none.
bool is_refused(int error) noexcept {
    return error == EACCES || error == EPERM;
}

}  // namespace

void Users::look(GrowingList<Thing>& things) noexcept {
    list_.clear();
    some_hide_ = access("/proc/1", F_OK) != 0;  // Mounted such that others' are not seen?
    const std::int32_t own = getpid();
    are_known_ = for_each_process([&](std::int32_t pid) {
        if (pid != own) { look_at_process(things, pid); }
    });
    std::sort(list_.begin(), list_.end(), [](const User& a, const User& b) {
        return a.thing != b.thing ? a.thing < b.thing : a.pid < b.pid;
    });
    const std::int64_t boot_ms = boot_time_ms();
    std::size_t at = 0;
    for (std::uint32_t i = 0; i < things.size(); ++i) {
        Thing& thing = things[i];
        thing.users_from = static_cast<std::uint32_t>(at);
        while (at < list_.size() && list_[at].thing == i) { ++at; }
        thing.user_count = static_cast<std::uint32_t>(at) - thing.users_from;
        if (thing.creator_life == Life::unknown) {
            thing.creator_life = life_of(thing.creator, thing.changed_ms, boot_ms);
        }
        thing.state = state_of(thing);
    }
}

State Users::state_of(const Thing& thing) const noexcept {
    const bool is_being_made = thing.maker == Maker::unfinished &&
                               thing.creator_life == Life::alive;
    if (thing.user_count > 0 || is_being_made) { return State::used; }
    // Those who cannot be looked at are other users' processes, or root's, which may open all.
    const bool is_private = thing.has_file_facts && (thing.mode & 077) == 0 &&
                            thing.owner == geteuid();
    if (!are_known(thing) || (some_hide_ && !is_private)) { return State::unknown; }
    return thing.creator_life == Life::dead ? State::orphaned : State::unused;
}

void Users::look_at_process(const GrowingList<Thing>& things, std::int32_t pid) noexcept {
    process_from_ = list_.size();
    const bool seen = look_at_mappings(things, pid) && look_at_descriptors(things, pid);
    some_hide_ = some_hide_ || !seen;
}

/// False: it may not be looked at.
bool Users::look_at_mappings(const GrowingList<Thing>& things, std::int32_t pid) noexcept {
    char path[64], line[512];
    std::snprintf(path, sizeof path, "/proc/%" PRId32 "/maps", pid);
    std::FILE* const file = std::fopen(path, "re");
    if (file == nullptr) { return !is_refused(errno); }
    for (bool is_begin = true; std::fgets(line, sizeof line, file) != nullptr;) {
        std::uint64_t device = 0, inode = 0;
        const bool is_mapping = is_begin && read_mapping(line, device, inode);
        is_begin = std::strchr(line, '\n') != nullptr;
        for (std::uint32_t i = 0; is_mapping && i < things.size(); ++i) {
            const bool is_it = things[i].inode == inode && things[i].device == device;
            if (is_it) { note(i, pid, true); }
        }
    }
    const bool seen = std::ferror(file) == 0 || !is_refused(errno);
    std::fclose(file);
    return seen;
}

bool Users::look_at_descriptors(const GrowingList<Thing>& things, std::int32_t pid) noexcept {
    char path[64], link[320];
    std::snprintf(path, sizeof path, "/proc/%" PRId32 "/fd", pid);
    DIR* const folder = opendir(path);
    if (folder == nullptr) { return !is_refused(errno); }
    while (const dirent* const entry = readdir(folder)) {
        const ssize_t length = readlinkat(dirfd(folder), entry->d_name, link, sizeof link - 1);
        if (length <= 0) { continue; }
        link[length] = '\0';
        struct stat status;
        if (!may_be_shared(link) || fstatat(dirfd(folder), entry->d_name, &status, 0) != 0) {
            continue;
        }
        for (std::uint32_t i = 0; i < things.size(); ++i) {
            const bool is_it = things[i].inode == status.st_ino &&
                               things[i].device == status.st_dev;
            if (is_it) { note(i, pid, false); }
        }
    }
    closedir(folder);
    return true;
}

void Users::note(std::uint32_t thing, std::int32_t pid, bool maps) noexcept {
    User* user = nullptr;
    for (std::size_t i = process_from_; i < list_.size() && user == nullptr; ++i) {
        if (list_[i].thing == thing) { user = &list_[i]; }
    }
    if (user == nullptr) {
        list_.add({thing, pid, false, false});
        user = &list_[list_.size() - 1];
    }
    (maps ? user->maps : user->opens) = true;
}

}  // namespace tool::ipc
