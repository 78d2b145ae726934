// On POSIX alone there is nothing of it.
#include <errno.h>

#include <tools/copy/system.hpp>

namespace tool::copy::system {

int clone(int, int) noexcept {
    return ENOTSUP;
}

ssize_t copy_range(int, int, off_t, off_t, bool) noexcept {
    errno = ENOTSUP;
    return -1;
}

off_t next_data(int, off_t at, off_t) noexcept {
    return at;
}

off_t next_hole(int, off_t, off_t end) noexcept {
    return end;
}

int copy_attributes(int, int, bool) noexcept {
    return 0;
}

}  // namespace tool::copy::system
