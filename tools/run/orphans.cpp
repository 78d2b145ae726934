#include <tools/run/orphans.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

namespace tool::run {
namespace {

constexpr char kName[] = "BROOD_RUN";

/// Of all that run on this machine at a time, only ours has it.
const char* mark() noexcept {
    static char text[48] = "";
    if (text[0] == '\0') {
        std::snprintf(text, sizeof text, "%ld.%lld", static_cast<long>(getpid()),
                      static_cast<long long>(now_ns()));
    }
    return text;
}

bool read_file(long pid, const char* name, Buffer<char>& to) noexcept {
    char path[64], piece[4096];
    std::snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) { return false; }
    to.clear();
    ssize_t got = 0;
    while ((got = read(fd, piece, sizeof piece)) > 0) {
        to.append(piece, static_cast<std::size_t>(got));
    }
    close(fd);
    to.add('\0');
    return got == 0;
}

bool has_mark(long pid, Buffer<char>& text) noexcept {
    if (!read_file(pid, "environ", text)) { return false; }
    char wanted[80];
    std::snprintf(wanted, sizeof wanted, "%s=%s", kName, mark());
    for (std::size_t at = 0; at < text.size(); at += std::strlen(&text[at]) + 1) {
        if (std::strcmp(&text[at], wanted) == 0) { return true; }
    }
    return false;
}

/// The group of the process, if it is in our session, and in another group; 0 otherwise.
pid_t group_of(long pid, Buffer<char>& text) noexcept {
    if (!read_file(pid, "stat", text)) { return 0; }
    const char* const end = std::strrchr(text.data(), ')');  // Of its name.
    long group = 0, session = 0;
    if (end == nullptr || std::sscanf(end, ") %*c %*d %ld %ld", &group, &session) != 2) {
        return 0;
    }
    return session == getsid(0) && group != getpgrp() && group > 1 ? static_cast<pid_t>(group) : 0;
}

/// How many processes with the mark there were.
int kill_marked() noexcept {
    DIR* const proc = opendir("/proc");
    if (proc == nullptr) { return 0; }
    Buffer<char> text;
    int found = 0;
    while (const dirent* const entry = readdir(proc)) {
        const long pid = std::strtol(entry->d_name, nullptr, 10);
        if (pid <= 0 || !has_mark(pid, text)) { continue; }
        const pid_t group = group_of(pid, text);
        if (group != 0 && kill(-group, SIGKILL) == 0) { ++found; }
    }
    closedir(proc);
    return found;
}

}  // namespace

void mark_environment() noexcept {
    setenv(kName, mark(), 1);
}

void kill_orphans(const Groups& groups) noexcept {
    for (const auto& group : groups.list) {
        const std::int32_t pid = group.load(std::memory_order_acquire);
        if (pid > 1) { kill(-pid, SIGKILL); }
    }
    constexpr int kRoundsMax = 100;  // One that is started meanwhile is found the next time.
    for (int i = 0; i < kRoundsMax && kill_marked() > 0; ++i) { usleep(1000); }
}

}  // namespace tool::run
