// Shared memory that is reserved as a whole and allocated in parts.
#include <errno.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>
#include <port/posix/memory_limit.hpp>
#include <port/posix/zero_pages.hpp>

#include "calls.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, for older headers

std::size_t memory_of_system() noexcept {
    struct sysinfo system = {};
    if (::sysinfo(&system) != 0) { return PTRDIFF_MAX; }
    const std::uint64_t bytes = std::uint64_t{system.totalram} * system.mem_unit;
    return bytes < PTRDIFF_MAX ? static_cast<std::size_t>(bytes) : PTRDIFF_MAX;
}

// First without access: a process whose future mappings are locked (mlockall) would fill this one
// at once otherwise. And a core dump would fill it, to write it.
Result<void*> map_sparse(std::size_t bytes) noexcept {
    void* const address =
        ::mmap(nullptr, bytes, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) { return Error(Errc::no_memory, errno); }
    if (::mprotect(address, bytes, PROT_READ | PROT_WRITE) != 0) {
        const int err = errno;
        unmap(address, bytes);
        return Error(Errc::no_memory, err);
    }
    hide_from_dumps(address, bytes);
    return address;
}

}  // namespace

Result<Reservation> reserve_shared(std::size_t most, std::size_t least) noexcept {
    const std::size_t page = page_bytes();
    if (least == 0 || most < least) { return Errc::size_zero; }
    if (least > PTRDIFF_MAX - page) { return Errc::size_too_large; }
    least = (least + page - 1) / page * page;
    const std::size_t system = memory_of_system();
    for (std::size_t bytes = most < system ? most : system;; bytes /= 2) {
        bytes = bytes > least ? bytes / page * page : least;
        const Result<void*> address = map_sparse(bytes);
        if (address.ok()) { return Reservation{*address, bytes}; }
        if (bytes == least) { return address.error(); }
    }
}

Status allocate_reserved(void* address, std::size_t bytes) noexcept {
    const Status fits = detail::fits_memory_limit(bytes);
    if (!fits.ok()) { return fits; }
    if (detail::takes_any_advice(address, bytes)) { return detail::zero_pages(address, bytes); }
    while (::madvise(address, bytes, kPopulateWrite) != 0) {
        if (errno == ENOMEM || errno == EFAULT) { return Error(Errc::no_memory, errno); }
        if (errno == EINTR || errno == EAGAIN) { continue; }
        return detail::zero_pages(address, bytes);  // Linux before 5.14, or a sandbox.
    }
    return {};
}

Status give_back(void* address, std::size_t bytes) noexcept {
    if (detail::takes_any_advice(address, bytes)) { return Errc::unsupported; }
    return ::madvise(address, bytes, MADV_REMOVE) == 0 ? Status() : Error(Errc::unsupported, errno);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
