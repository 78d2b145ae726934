// The first bytes of a shared object.
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// To write beyond RLIMIT_FSIZE would raise SIGXFSZ, and so kill the host.
bool may_write(std::size_t bytes) noexcept {
    rlimit limit = {};
    return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
           bytes <= limit.rlim_cur;
}

// In two steps: what POSIX promises.
Status allocate_and_store(Fd fd, std::uint32_t mark) noexcept {
    const Status allocated = allocate_object(fd, sizeof(mark));
    if (!allocated.ok()) { return allocated; }
    const Result<void*> word = map_object(fd, sizeof(mark), true);
    if (!word.ok()) { return word.error(); }
    __atomic_store_n(static_cast<std::uint32_t*>(*word), mark, __ATOMIC_RELEASE);
    unmap(*word, sizeof(mark));
    return {};
}

}  // namespace

// POSIX leaves open what a write to a shared memory object does. Linux and the BSDs write, which
// is one step; where it fails, it takes two.
Status mark_object(Fd fd, std::uint32_t mark) noexcept {
    if (!may_write(sizeof(mark))) { return detail::error_of(EFBIG); }
    ssize_t written = 0;
    while ((written = ::pwrite(fd, &mark, sizeof(mark), 0)) < 0 && errno == EINTR) {}
    if (written == static_cast<ssize_t>(sizeof(mark))) { return {}; }
    return allocate_and_store(fd, mark);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
