#include <tools/ps/daemons.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstring>

#include <tools/json_text.hpp>
#include <tools/proc.hpp>
#include <tools/time_text.hpp>

namespace tool {
namespace {

bool is_ours(std::int32_t pid) noexcept {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%" PRId32, pid);
    struct stat status;
    return stat(path, &status) == 0 && status.st_uid == geteuid();
}

/// The flags with which a descriptor is open; -1: they cannot be told.
int flags_of(std::int32_t pid, const char* fd) noexcept {
    char path[128], text[64];
    std::snprintf(path, sizeof path, "/proc/%" PRId32 "/fdinfo/%s", pid, fd);
    std::FILE* const file = std::fopen(path, "re");
    if (file == nullptr) { return -1; }
    unsigned flags = 0;
    bool found = false;
    while (!found && std::fgets(text, sizeof text, file) != nullptr) {
        found = std::sscanf(text, "flags: %o", &flags) == 1;
    }
    std::fclose(file);
    return found ? static_cast<int>(flags) : -1;
}

/// Calls visit(fd, pipe) for each end of a pipe that a process has, until that is true.
template <class Visit>
bool any_pipe(std::int32_t pid, Visit visit) noexcept {
    char path[64], link[64];
    std::snprintf(path, sizeof path, "/proc/%" PRId32 "/fd", pid);
    DIR* const folder = opendir(path);
    if (folder == nullptr) { return false; }
    bool is_found = false;
    while (const dirent* const entry = is_found ? nullptr : readdir(folder)) {
        const ssize_t length = readlinkat(dirfd(folder), entry->d_name, link, sizeof link - 1);
        if (length <= 0) { continue; }
        link[length] = '\0';
        std::uint64_t pipe = 0;
        const bool is_pipe = std::sscanf(link, "pipe:[%" SCNu64 "]", &pipe) == 1;
        is_found = is_pipe && visit(entry->d_name, pipe);
    }
    closedir(folder);
    return is_found;
}

/// The pipe that ties the process to its host; 0: none does.
std::uint64_t lifeline_of(std::int32_t pid) noexcept {
    std::uint64_t lifeline = 0;
    any_pipe(pid, [&](const char* fd, std::uint64_t pipe) {
        const int flags = flags_of(pid, fd);
        const bool is_it = flags >= 0 && (flags & O_ACCMODE) == O_RDONLY && (flags & O_ASYNC) != 0;
        lifeline = is_it ? pipe : 0;
        return is_it;
    });
    return lifeline;
}

bool writes_to(std::int32_t pid, std::uint64_t wanted) noexcept {
    return any_pipe(pid, [&](const char* fd, std::uint64_t pipe) {
        if (pipe != wanted) { return false; }
        const int flags = flags_of(pid, fd);
        return flags >= 0 && (flags & O_ACCMODE) == O_WRONLY;
    });
}

/// The parent, as a rule. Who has been given another since was orphaned.
std::int32_t host_of(std::int32_t parent, std::uint64_t lifeline) noexcept {
    if (writes_to(parent, lifeline)) { return parent; }
    std::int32_t host = 0;
    for_each_process([&](std::int32_t pid) {
        if (host == 0 && is_ours(pid) && writes_to(pid, lifeline)) { host = pid; }
    });
    return host;
}

std::int64_t wall_clock_ms() noexcept {
    timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

const char* word_for(char state) noexcept {
    switch (state) {
        case 'R': return "running";
        case 'S':
        case 'I': return "asleep";
        case 'D': return "stuck";
        case 'T':
        case 't': return "stopped";
        case 'Z':
        case 'X': return "ended";
        default: return "?";
    }
}

}  // namespace

bool list_daemons(GrowingList<Daemon>& daemons) noexcept {
    daemons.clear();
    const std::int64_t running_ms = wall_clock_ms() - boot_time_ms();
    const bool has_proc = for_each_process([&](std::int32_t pid) {
        const std::uint64_t lifeline = is_ours(pid) ? lifeline_of(pid) : 0;
        ProcessFacts facts;
        if (lifeline == 0 || !read_process(pid, facts)) { return; }
        Daemon daemon = {};
        daemon.pid = pid;
        daemon.host = host_of(facts.parent, lifeline);
        name_program(pid, daemon.program, sizeof daemon.program);
        name_program(daemon.host, daemon.host_program, sizeof daemon.host_program);
        daemon.state = facts.state;
        daemon.cpu_ms = facts.cpu_ms;
        daemon.age_ms = std::max(running_ms - facts.started_at_ms, std::int64_t{0});
        daemons.add(daemon);
    });
    std::sort(daemons.begin(), daemons.end(), [](const Daemon& a, const Daemon& b) {
        return a.age_ms != b.age_ms ? a.age_ms > b.age_ms : a.pid < b.pid;
    });
    return has_proc;
}

void print_daemon_head(std::FILE* to, const char* end) noexcept {
    std::fprintf(to, "%7s %-15s %7s %-15s %8s %8s  %s%s", "DAEMON", "PROGRAM", "HOST",
                 "ITS PROGRAM", "CPU", "AGE", "STATE", end);
}

void print_daemon(std::FILE* to, const Daemon& daemon, const char* end) noexcept {
    char host[16] = "-", cpu[48], age[48];
    if (daemon.host > 0) { std::snprintf(host, sizeof host, "%" PRId32, daemon.host); }
    format_time(cpu, sizeof cpu, daemon.cpu_ms);
    format_time(age, sizeof age, daemon.age_ms);
    std::fprintf(to, "%7" PRId32 " %-15s %7s %-15s %8s %8s  %s%s", daemon.pid,
                 daemon.program[0] != '\0' ? daemon.program : "?", host,
                 daemon.host_program[0] != '\0' ? daemon.host_program : "-", cpu, age,
                 word_for(daemon.state), end);
}

void print_daemon_json(std::FILE* to, const Daemon& daemon) noexcept {
    std::fprintf(to, "{\"daemon\":%" PRId32 ",\"program\":", daemon.pid);
    print_json_text(to, daemon.program);
    if (daemon.host > 0) {
        std::fprintf(to, ",\"host\":%" PRId32 ",\"host_program\":", daemon.host);
        print_json_text(to, daemon.host_program);
    }
    std::fprintf(to, ",\"state\":\"%s\",\"cpu_ms\":%" PRId64 ",\"age_ms\":%" PRId64 "}",
                 word_for(daemon.state), daemon.cpu_ms, daemon.age_ms);
}

}  // namespace tool
