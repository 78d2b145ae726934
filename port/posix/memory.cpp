// Pages: shared with children, private, or of a shared object.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "unnamed_object.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// `bytes` in whole pages. Errors: size_zero, size_too_large.
Result<std::size_t> whole_pages(std::size_t bytes) noexcept {
    const std::size_t page = page_bytes();
    if (bytes == 0) { return Errc::size_zero; }
    if (bytes > PTRDIFF_MAX - page) { return Errc::size_too_large; }
    return (bytes + page - 1) / page * page;
}

Result<void*> map(Fd fd, std::size_t bytes, int protection, int sharing) noexcept {
    const Result<std::size_t> length = whole_pages(bytes);
    if (!length) { return length.error(); }
    void* const address = ::mmap(nullptr, *length, protection, sharing, fd, 0);
    if (address != MAP_FAILED) { return address; }
    const int err = errno;
    // EAGAIN: more locked memory (mlockall) than the limit allows.
    return err == EAGAIN ? Error(Errc::no_memory, err) : detail::error_of(err);
}

}  // namespace

Result<void*> map_shared(std::size_t bytes) noexcept {
    const Result<std::size_t> length = whole_pages(bytes);
    if (!length) { return length.error(); }
    const Result<Fd> fd = detail::create_unnamed();
    if (!fd) { return fd.error(); }
    const Status allocated = allocate_object(*fd, *length);
    const Result<void*> address = allocated.ok() ? map_object(*fd, *length, true)
                                                 : Result<void*>(allocated.error());
    close(*fd);  // The mapping keeps the object.
    return address;
}

// POSIX.1-2017 has no MAP_ANONYMOUS; the older way is a private mapping of /dev/zero.
Result<void*> map_private(std::size_t bytes) noexcept {
    int fd = -1;
    while ((fd = ::open("/dev/zero", O_RDWR | O_CLOEXEC)) < 0) {
        if (errno != EINTR) { return detail::last_error(); }
    }
    const Result<void*> address = map(fd, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    close(fd);
    return address;
}

Result<void*> map_object(Fd fd, std::size_t bytes, bool writable) noexcept {
    return map(fd, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED);
}

void unmap(void* address, std::size_t bytes) noexcept {
    const Result<std::size_t> length = whole_pages(bytes);
    if (length) { (void)::munmap(address, *length); }
}

// msync() of a page that is not mapped fails with ENOMEM, and of any other does no harm.
bool is_mapped(const void* address) noexcept {
    const std::size_t page = page_bytes();
    const auto start = reinterpret_cast<std::uintptr_t>(address) / page * page;
    return ::msync(reinterpret_cast<void*>(start), page, MS_ASYNC) == 0 || errno != ENOMEM;
}

void hide_from_dumps(void*, std::size_t) noexcept {}  // POSIX has no say in core dumps.

std::size_t page_bytes() noexcept {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port

namespace brood::port::detail {
namespace {

// Writes `value` in hexadecimal, lowest digit first, and returns the place behind it.
char* put_hex(char* place, std::uint64_t value) noexcept {
    do {
        *place++ = "0123456789abcdef"[value % 16];
        value /= 16;
    } while (value != 0);
    return place;
}

}  // namespace

// An object under a name that nobody had: process, time and a count tell it from all of ours, and
// a stranger's that is in the way is stepped over.
Result<Fd> create_unnamed() noexcept {
    static std::atomic<std::uint32_t> count{0};
    constexpr int kTriesMax = 100;
    Error error = Errc::already_exists;
    for (int tries = 0; tries < kTriesMax && error == Errc::already_exists; ++tries) {
        char name[80] = "/brood-anonymous-";
        char* place = name + sizeof("/brood-anonymous-") - 1;
        place = put_hex(place, static_cast<std::uint64_t>(process_id()));
        *place++ = '-';
        place = put_hex(place, static_cast<std::uint64_t>(now_ns()));
        *place++ = '-';
        place = put_hex(place, count.fetch_add(1, std::memory_order_relaxed));
        *place = '\0';
        const Result<Fd> fd = create_object(name, 0600);
        if (fd) {
            remove_object(name).ignore();
            return *fd;
        }
        error = fd.error();
    }
    return error;
}

}  // namespace brood::port::detail
