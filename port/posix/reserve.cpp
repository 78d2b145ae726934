// Shared memory that is reserved as a whole and allocated in parts.
#include <errno.h>
#include <sys/mman.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "grow_object.hpp"
#include "unnamed_object.hpp"
#include "zero_pages.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// POSIX can neither tell how much memory there is nor keep pages out of core dumps, for which a
// system may allocate all of them.
constexpr std::size_t kMost = std::size_t{1} << 30;

// A shared object that has its length, but no memory. First without access: a process whose future
// mappings are locked (mlockall) would fill this one at once otherwise.
Result<void*> map_sparse(Fd object, std::size_t bytes) noexcept {
    Status status = detail::check_object_size(bytes);
    if (status.ok()) { status = detail::set_length(object, bytes); }
    if (!status.ok()) { return status.error(); }
    void* const address = ::mmap(nullptr, bytes, PROT_NONE, MAP_SHARED, object, 0);
    if (address == MAP_FAILED) { return Error(Errc::no_memory, errno); }
    if (::mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0) { return address; }
    const int err = errno;
    unmap(address, bytes);
    return Error(Errc::no_memory, err);
}

}  // namespace

Result<Reservation> reserve_shared(std::size_t most, std::size_t least) noexcept {
    const std::size_t page = page_bytes();
    if (least == 0 || most < least) { return Errc::size_zero; }
    if (least > PTRDIFF_MAX - page) { return Errc::size_too_large; }
    const Result<Fd> object = detail::create_unnamed();
    if (!object.ok()) { return object.error(); }
    least = (least + page - 1) / page * page;
    std::size_t bytes = most < kMost ? most : kMost;
    Result<void*> address = Errc::no_memory;
    for (;; bytes /= 2) {
        bytes = bytes > least ? bytes / page * page : least;
        address = map_sparse(*object, bytes);
        if (address.ok() || bytes == least) { break; }
    }
    close(*object);  // The mapping keeps the object.
    if (!address.ok()) { return address.error(); }
    return Reservation{*address, bytes};
}

Status allocate_reserved(void* address, std::size_t bytes) noexcept {
    return detail::zero_pages(address, bytes);
}

Status give_back(void*, std::size_t) noexcept {
    return Errc::unsupported;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
