// The one table from errno to Errc.
#include "errors.hpp"

#include <errno.h>

namespace brood::port::detail {
namespace {

// In halves of an int, for size: every system we know has small numbers.
struct Row {
    constexpr Row(int number, Errc meaning) noexcept
        : err(static_cast<std::int16_t>(number)), code(static_cast<std::int16_t>(meaning)) {}
    std::int16_t err;
    std::int16_t code;
};

// A table and not a switch: on many systems two of these names are one number.
constexpr Row kRows[] = {
    {EAGAIN, Errc::would_block},
    {EWOULDBLOCK, Errc::would_block},
    {EINTR, Errc::interrupted},
    {ETIMEDOUT, Errc::timed_out},
    {EINVAL, Errc::bad_argument},
    {EBADF, Errc::closed},
    {ENAMETOOLONG, Errc::name_too_long},
    {EOVERFLOW, Errc::size_too_large},
    {ENOMEM, Errc::no_memory},
    {ENOSPC, Errc::no_space},
    {EDQUOT, Errc::no_space},
    {EFBIG, Errc::no_space},
    {EMFILE, Errc::too_many_files},
    {ENFILE, Errc::too_many_files},
    {EPERM, Errc::not_permitted},
    {EACCES, Errc::not_permitted},
    {EROFS, Errc::not_permitted},
    {ENOENT, Errc::not_found},
    {ESRCH, Errc::not_found},
    {EEXIST, Errc::already_exists},
    {ENOSYS, Errc::unsupported},
    {ENOTSUP, Errc::unsupported},
    {EOPNOTSUPP, Errc::unsupported},
    {ECHILD, Errc::status_stolen},
    {EPIPE, Errc::broken_pipe},
    {EDEADLK, Errc::would_deadlock},
    {EOWNERDEAD, Errc::owner_died},
    {ENOTRECOVERABLE, Errc::corrupt},
    {EADDRINUSE, Errc::address_in_use},
    {ECONNREFUSED, Errc::refused},
    {ECONNRESET, Errc::broken_pipe},
    {EAFNOSUPPORT, Errc::unsupported},
};

}  // namespace

Error error_of(int err) noexcept {
    for (const Row& row : kRows) {
        if (row.err == err) { return {static_cast<Errc>(row.code), err}; }
    }
    return {Errc::system_error, err};
}

Error last_error() noexcept {
    return error_of(errno);
}

}  // namespace brood::port::detail
