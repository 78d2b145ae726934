#include <tools/proc.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tool {
namespace {

/// What fits of a file that is read at once: its length, 0 if it cannot be read.
std::size_t read_file(const char* path, char* text, std::size_t room) noexcept {
    text[0] = '\0';
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) { return 0; }
    const ssize_t bytes = read(file, text, room - 1);
    close(file);
    const std::size_t length = bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
    text[length] = '\0';
    return length;
}

std::int64_t ms_of_ticks(std::uint64_t ticks) noexcept {
    const long per_second = sysconf(_SC_CLK_TCK);
    const auto divisor = static_cast<std::uint64_t>(per_second > 0 ? per_second : 100);
    return static_cast<std::int64_t>(ticks * 1000 / divisor);
}

}  // namespace

void name_program(std::int32_t pid, char* name, std::size_t room) noexcept {
    name[0] = '\0';
    if (pid <= 0) { return; }
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%" PRId32 "/comm", pid);
    std::size_t length = read_file(path, name, room);
    if (length > 0 && name[length - 1] == '\n') { --length; }
    name[length] = '\0';
    for (std::size_t i = 0; i < length; ++i) {
        if (static_cast<unsigned char>(name[i]) < 0x20 || name[i] == 0x7f) { name[i] = '?'; }
    }
}

bool read_process(std::int32_t pid, ProcessFacts& facts) noexcept {
    char path[64], line[1024];
    std::snprintf(path, sizeof path, "/proc/%" PRId32 "/stat", pid);
    if (pid <= 0 || read_file(path, line, sizeof line) == 0) { return false; }
    // A program may have ')' and blanks in its name.
    const char* const end = std::strrchr(line, ')');
    std::uint64_t ticks[4] = {}, started = 0;
    const int found = end == nullptr ? 0
                                     : std::sscanf(end + 1,
                                                   " %c %" SCNd32
                                                   " %*s %*s %*s %*s %*s %*s %*s %*s %*s"
                                                   " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                                                   " %*s %*s %*s %*s %" SCNu64,
                                                   &facts.state, &facts.parent, &ticks[0],
                                                   &ticks[1], &ticks[2], &ticks[3], &started);
    if (found != 7) { return false; }
    facts.cpu_ms = ms_of_ticks(ticks[0] + ticks[1] + ticks[2] + ticks[3]);
    facts.started_at_ms = ms_of_ticks(started);
    return true;
}

std::int64_t boot_time_ms() noexcept {
    std::FILE* const file = std::fopen("/proc/stat", "re");
    if (file == nullptr) { return 0; }
    char line[256];
    std::int64_t seconds = 0;
    while (std::fgets(line, sizeof line, file) != nullptr) {
        if (std::sscanf(line, "btime %" SCNd64, &seconds) == 1) { break; }
    }
    std::fclose(file);
    return seconds * 1000;
}

bool for_each_process(void (*visit)(void* context, std::int32_t pid), void* context) noexcept {
    DIR* const folder = opendir("/proc");
    if (folder == nullptr) { return false; }
    bool has_some = false;
    while (const dirent* const entry = readdir(folder)) {
        if (std::strspn(entry->d_name, "0123456789") != std::strlen(entry->d_name)) { continue; }
        has_some = true;
        visit(context, static_cast<std::int32_t>(std::strtol(entry->d_name, nullptr, 10)));
    }
    closedir(folder);
    return has_some;
}

}  // namespace tool
