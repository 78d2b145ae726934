// Pages: shared with children, private, or of a shared object.
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <port/port.hpp>
#include <port/posix/above_streams.hpp>
#include <port/posix/errors.hpp>
#include <port/posix/grow_object.hpp>
#include <port/posix/memory_limit.hpp>

#include "calls.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// From <linux/memfd.h>, <linux/fcntl.h> and <asm/mman.h>, which may be older than the kernel.
constexpr int kCloseOnExec = 1, kAllowSealing = 2, kNoExecSeal = 8;
constexpr int kAddSeals = 1033;
constexpr int kSealSeal = 1, kSealShrink = 2, kSealGrow = 4;
constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE

// The system rounds lengths up to whole pages.
Errc check_length(std::size_t bytes) noexcept {
    if (bytes == 0) { return Errc::size_zero; }
    return bytes <= PTRDIFF_MAX - page_bytes() ? Errc::ok : Errc::size_too_large;
}

Result<void*> map(Fd fd, std::size_t bytes, int protection, int flags) noexcept {
    const Errc good = check_length(bytes);
    if (good != Errc::ok) { return good; }
    void* const address = ::mmap(nullptr, bytes, protection, flags, fd, 0);
    if (address != MAP_FAILED) { return address; }
    const int err = errno;
    // EAGAIN: more locked memory (mlockall) than the limit allows.
    return err == EAGAIN ? Error(Errc::no_memory, err) : detail::error_of(err);
}

// An open file without a name. Where kernels know it, with the right to be executed renounced:
// some are set up to refuse all others. -1 and errno if there can be none.
Fd create_memory_file() noexcept {
    constexpr const char* kName = "brood";
    constexpr int kFlags = kCloseOnExec | kAllowSealing;
    auto fd = static_cast<Fd>(detail::call(SYS_memfd_create, kName, kFlags | kNoExecSeal));
    if (fd < 0 && errno == EINVAL) {
        fd = static_cast<Fd>(detail::call(SYS_memfd_create, kName, kFlags));
    }
    return fd >= 0 && detail::above_streams(&fd, 1) ? fd : kNoFd;
}

// Nobody who finds the file (in /proc) can cut it short under us, which would be a SIGBUS.
Result<void*> map_sealed(Fd fd, std::size_t bytes) noexcept {
    Status status = detail::check_object_size(bytes);
    if (status.ok()) { status = detail::grow_object(fd, 0, bytes); }
    if (!status.ok()) { return status.error(); }
    (void)detail::call(SYS_fcntl, fd, kAddSeals, kSealShrink | kSealGrow | kSealSeal);
    return map_object(fd, bytes, true);
}

// Pages are there once they have been written. MADV_POPULATE_WRITE (Linux 5.14) can report that
// there are none; a write by ourselves would be killed.
Status populate(void* address, std::size_t bytes) noexcept {
    while (::madvise(address, bytes, kPopulateWrite) != 0) {
        if (errno == ENOMEM || errno == EFAULT) { return Error(Errc::no_memory, errno); }
        if (errno == EINTR || errno == EAGAIN) { continue; }
        auto* const pages = static_cast<volatile unsigned char*>(address);
        for (std::size_t at = 0; at < bytes; at += page_bytes()) { pages[at] = 0; }
        return {};
    }
    return {};
}

Result<void*> map_anonymous_shared(std::size_t bytes) noexcept {
    Status status = detail::fits_memory_limit(bytes);
    if (!status) { return status.error(); }
    const Result<void*> address =
        map(kNoFd, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
    if (!address) { return address; }
    void* const pages = *address;
    status = populate(pages, bytes);
    if (status.ok()) { return pages; }
    unmap(pages, bytes);
    return status.error();
}

}  // namespace

// A memory file says when there is no memory; anonymous memory may not (see populate()). But where
// there can be no file - missing call, no descriptor left, a limit on file sizes - it will do.
Result<void*> map_shared(std::size_t bytes) noexcept {
    const Errc good = check_length(bytes);
    if (good != Errc::ok) { return good; }
    const Fd fd = create_memory_file();
    if (fd < 0) { return map_anonymous_shared(bytes); }
    const Result<void*> address = map_sealed(fd, bytes);
    close(fd);  // The mapping keeps the file.
    const int err = address.error().os_error();
    const bool no_file = detail::is_missing(err) || err == EOPNOTSUPP || err == EFBIG;
    return no_file ? map_anonymous_shared(bytes) : address;
}

Result<void*> map_private(std::size_t bytes) noexcept {
    return map(kNoFd, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
}

Result<void*> map_object(Fd fd, std::size_t bytes, bool writable) noexcept {
    return map(fd, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED);
}

void unmap(void* address, std::size_t bytes) noexcept {
    (void)::munmap(address, bytes);
}

// msync() of a page that is not mapped fails with ENOMEM, and of any other does no harm.
bool is_mapped(const void* address) noexcept {
    const std::size_t page = page_bytes();
    const auto start = reinterpret_cast<std::uintptr_t>(address) / page * page;
    return ::msync(reinterpret_cast<void*>(start), page, MS_ASYNC) == 0 || errno != ENOMEM;
}

void hide_from_dumps(void* address, std::size_t bytes) noexcept {
    (void)::madvise(address, bytes, MADV_DONTDUMP);
}

std::size_t page_bytes() noexcept {
    return static_cast<std::size_t>(::getpagesize());
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
