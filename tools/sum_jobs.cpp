#include <tools/sum_jobs.hpp>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tools/stop.hpp>

namespace tool {
namespace {

SumArea* g_area = nullptr;

// Large enough to make system calls rare, small enough to stay in the cache of one core.
constexpr std::size_t kReadBytes = 256 * 1024;
alignas(4096) unsigned char g_buffer[kReadBytes];

// From here on it pays to tell the system that the file is read from end to end.
constexpr off_t kAdviseBytes = 1 << 20;

/// For the display of progress: seldom, so that workers do not fight for the counter's cache line.
void count_bytes(std::size_t bytes) noexcept {
    static std::uint64_t uncounted = 0;
    uncounted += bytes;
    if (uncounted < kReadBytes) { return; }
    const auto kib = static_cast<std::uint32_t>(uncounted / 1024);
    uncounted %= 1024;
    if (g_area != nullptr) { __atomic_fetch_add(&g_area->kib_done, kib, __ATOMIC_RELAXED); }
}

struct Outcome {
    FileState state;
    int error;
};

Outcome sum_open_file(int fd, Digest& digest) noexcept {
    struct stat status;
    if (fstat(fd, &status) != 0) { return {FileState::failed, errno}; }
    if (!S_ISREG(status.st_mode)) { return {FileState::replaced, 0}; }
    if (status.st_size >= kAdviseBytes) {
        static_cast<void>(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));  // Advice: may fail.
    }
    const int error = sum_stream(fd, digest);
    return {error == 0 ? FileState::hashed : FileState::failed, error};
}

Outcome sum_file(const FileSlot& file, Digest& digest) noexcept {
    // The host found a regular file. Should a pipe be there now, O_NONBLOCK keeps us from waiting
    // for its writer; should a link be there, it is not to be followed.
    const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    const int fd = open(g_area->paths + file.path_at, file.followed ? flags : flags | O_NOFOLLOW);
    if (fd < 0) {
        const bool is_link = errno == ELOOP && !file.followed;
        return {is_link ? FileState::replaced : FileState::failed, errno};
    }
    const Outcome outcome = sum_open_file(fd, digest);
    close(fd);
    return outcome;
}

}  // namespace

void set_sum_area(SumArea* area) noexcept {
    g_area = area;
}

void sum_files(std::uint32_t first, std::uint32_t count) noexcept {
    for (std::uint32_t number = first; number != first + count; ++number) {
        FileSlot& file = g_area->file(number);
        if (file.state != FileState::waiting) { continue; }  // Done before a worker died.
        Outcome outcome = sum_file(file, file.digest);
        file.error = outcome.error;
        // If killed here: the file still waits, and will be done again.
        __atomic_store(&file.state, &outcome.state, __ATOMIC_RELEASE);
    }
    __atomic_fetch_add(&g_area->files_done, count, __ATOMIC_RELAXED);
}

int sum_stream(int fd, Digest& digest) noexcept {
    Sha256 sum;
    for (;;) {
        const ssize_t got = read(fd, g_buffer, kReadBytes);
        if (got < 0 && errno == EINTR && stop_signal() == 0) { continue; }
        if (got < 0) { return errno; }
        if (got == 0) { break; }
        sum.update(g_buffer, static_cast<std::size_t>(got));
        count_bytes(static_cast<std::size_t>(got));
    }
    digest = sum.finish();
    return 0;
}

}  // namespace tool
