#include <tools/copy/content.hpp>

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include <tools/copy/system.hpp>

namespace tool::copy {
namespace {

// Large enough to make system calls rare, small enough to stay in the cache of one core.
constexpr std::size_t kBufferBytes = 256 * 1024;
alignas(4096) char g_buffer[kBufferBytes], g_other[kBufferBytes];

// The system is not asked to copy less: to read and to write is two calls as well.
constexpr off_t kRangeBytes = 256 * 1024;
// And so much at a time, so that progress shows.
constexpr off_t kRangeBytesMax = 8 * 1024 * 1024;

constexpr std::size_t kBlockBytes = 4096;

/// Reads until the buffer has `bytes` bytes or the file ends: how many, or -1.
ssize_t read_at(int fd, char* buffer, std::size_t bytes, off_t at) noexcept {
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t got = pread(fd, buffer + done, bytes - done, at + static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) { continue; }
        if (got < 0) { return -1; }
        if (got == 0) { break; }
        done += static_cast<std::size_t>(got);
    }
    return static_cast<ssize_t>(done);
}

int write_at(int fd, const char* bytes, std::size_t count, off_t at) noexcept {
    while (count > 0) {
        const ssize_t written = pwrite(fd, bytes, count, at);
        if (written < 0 && errno == EINTR) { continue; }
        if (written <= 0) { return written < 0 ? errno : EIO; }
        bytes += written;
        count -= static_cast<std::size_t>(written);
        at += written;
    }
    return 0;
}

bool is_zero(const char* bytes, std::size_t count) noexcept {
    return count == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, count - 1) == 0);
}

/// Writes all but whole blocks of zeros.
int write_data(int fd, const char* bytes, std::size_t count, off_t at) noexcept {
    for (std::size_t begin = 0; begin < count;) {
        std::size_t end = begin;
        while (end < count && !is_zero(bytes + end, std::min(kBlockBytes, count - end))) {
            end += kBlockBytes;
        }
        end = std::min(end, count);
        const int error = write_at(fd, bytes + begin, end - begin, at + static_cast<off_t>(begin));
        if (error != 0) { return error; }
        begin = end + (end < count ? kBlockBytes : 0);
    }
    return 0;
}

Copied copy_by_buffer(const Content& content, off_t begin, off_t end) noexcept {
    for (off_t at = begin; at < end;) {
        const auto wanted = static_cast<std::size_t>(std::min<off_t>(kBufferBytes, end - at));
        const ssize_t got = read_at(content.from, g_buffer, wanted, at);
        if (got < 0) { return {errno, false, false}; }
        const auto bytes = static_cast<std::size_t>(got);
        const int error = content.sparse ? write_data(content.to, g_buffer, bytes, at)
                                         : write_at(content.to, g_buffer, bytes, at);
        if (error != 0) { return {error, true, false}; }
        count_bytes(content, got);
        if (bytes < wanted) { return {0, false, true}; }
        at += got;
    }
    return {};
}

/// The system has the way from the cache of the one file to that of the other.
Copied copy_data(const Content& content, off_t begin, off_t end) noexcept {
    off_t at = begin;
    while (end - at >= kRangeBytes) {
        const off_t wanted = std::min(kRangeBytesMax, end - at);
        const ssize_t copied =
            system::copy_range(content.from, content.to, at, wanted, content.shares);
        if (copied < 0 && errno == EINTR) { continue; }
        // Whose error it is, it does not tell; but reading and writing will.
        if (copied <= 0) { break; }
        count_bytes(content, copied);
        at += copied;
    }
    return copy_by_buffer(content, at, end);
}

int compare_data(const Content& content, off_t begin, off_t end, bool& same) noexcept {
    for (off_t at = begin; at < end;) {
        const auto wanted = static_cast<std::size_t>(std::min<off_t>(kBufferBytes, end - at));
        const ssize_t got = read_at(content.from, g_buffer, wanted, at);
        const ssize_t copied = got < 0 ? -1 : read_at(content.to, g_other, wanted, at);
        if (copied < 0) { return errno; }
        same = got == copied && std::memcmp(g_buffer, g_other, static_cast<std::size_t>(got)) == 0;
        if (!same || got == 0) { return 0; }
        at += got;
    }
    return 0;
}

}  // namespace

bool is_sparse(const struct stat& status) noexcept {
    constexpr off_t kUnit = 512;  // of st_blocks
    return off_t{status.st_blocks} * kUnit < status.st_size;
}

Copied copy_content(const Content& content, off_t begin, off_t end) noexcept {
    if (!content.sparse) { return copy_data(content, begin, end); }
    Copied copied;
    for (off_t at = begin; at < end && copied.error == 0;) {
        const off_t data = system::next_data(content.from, at, end);
        count_bytes(content, data - at);
        if (data == end) { break; }
        at = system::next_hole(content.from, data, end);
        copied = copy_data(content, data, at);
    }
    return copied;
}

Copied copy_all(const Content& content) noexcept {
    for (off_t at = 0;;) {
        const ssize_t got = read_at(content.from, g_buffer, kBufferBytes, at);
        if (got < 0) { return {errno, false, false}; }
        if (got == 0) { return {}; }
        const int error = write_at(content.to, g_buffer, static_cast<std::size_t>(got), at);
        if (error != 0) { return {error, true, false}; }
        at += got;
    }
}

void count_bytes(const Content& content, off_t bytes) noexcept {
    static std::uint64_t uncounted = 0;
    uncounted += static_cast<std::uint64_t>(bytes);
    if (uncounted < kBufferBytes) { return; }
    const auto kib = static_cast<std::uint32_t>(uncounted / 1024);
    uncounted %= 1024;
    __atomic_fetch_add(content.kib, kib, __ATOMIC_RELAXED);
}

int compare_content(const Content& content, off_t begin, off_t end, bool& same) noexcept {
    same = true;
    if (!content.sparse) { return compare_data(content, begin, end, same); }
    for (off_t at = begin; at < end && same;) {
        // Where both have a hole there is nothing to compare.
        at = std::min(system::next_data(content.from, at, end),
                      system::next_data(content.to, at, end));
        if (at == end) { break; }
        const off_t hole = std::max(system::next_hole(content.from, at, end),
                                    system::next_hole(content.to, at, end));
        const int error = compare_data(content, at, hole, same);
        if (error != 0) { return error; }
        at = hole;
    }
    return 0;
}

}  // namespace tool::copy
