// System calls that the kernel, the libc or its headers may be too old for. For port/linux only.
#ifndef BROOD_PORT_LINUX_CALLS_HPP
#define BROOD_PORT_LINUX_CALLS_HPP

#include <cstddef>
#include <type_traits>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// Headers that do not know a call: call() then answers as a kernel that does not.
#ifndef SYS_preadv2
#define SYS_preadv2 (-1)
#endif
#ifndef SYS_pwritev2
#define SYS_pwritev2 (-1)
#endif
#ifndef SYS_memfd_create
#define SYS_memfd_create (-1)
#endif
#ifndef SYS_getrandom
#define SYS_getrandom (-1)
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open (-1)
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal (-1)
#endif
#ifndef SYS_close_range
#define SYS_close_range (-1)
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv (-1)
#endif
#ifndef SYS_membarrier
#define SYS_membarrier (-1)
#endif
#ifndef SYS_prlimit64
#define SYS_prlimit64 (-1)
#endif
#ifndef SYS_fcntl  // 32-bit machines younger than 64-bit file offsets have only this one.
#define SYS_fcntl SYS_fcntl64
#endif
#ifndef SYS_setrlimit  // Machines younger than prlimit64 never had it.
#define SYS_setrlimit (-1)
#endif

namespace brood::port::detail {

template <class T>
long word_of(T argument) noexcept {
    if constexpr (std::is_pointer_v<T>) {
        return reinterpret_cast<long>(argument);
    } else if constexpr (std::is_null_pointer_v<T>) {
        return 0;
    } else {
        static_assert(sizeof(T) <= sizeof(long), "two words, by the rules of each ABI");
        return static_cast<long>(argument);
    }
}

/// A system call, for what the libc has no function for, or where that function does more than the
/// call. Returns -1 with errno set on failure. Never restarts, is no cancellation point.
template <class... Arguments>
long call(long number, Arguments... arguments) noexcept {
    if (number < 0) {
        errno = ENOSYS;
        return -1;
    }
    // Widened, since the libc fetches each argument as a word.
    return ::syscall(number, word_of(arguments)...);
}

/// open(2), close-on-exec, of a file that is there and not larger than a `long` can count: a libc's
/// open() is a cancellation point, and more code.
inline int open_file(const char* path, int flags) noexcept {
    return static_cast<int>(call(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC));
}

/// Whether `err` says that the kernel has no such call (ENOSYS), or that a sandbox forbids it
/// (EPERM, from seccomp profiles older than the call). Where EPERM can also be an honest refusal,
/// the fallback meets it again and reports it.
inline bool is_missing(int err) noexcept {
    return err == ENOSYS || err == EPERM;
}

/// Whether this is qemu-user, which says of any advice that it was taken, and does nothing about
/// most.
inline bool takes_any_advice(void* address, std::size_t bytes) noexcept {
    constexpr int kNoAdvice = 0x7fff;
    return ::madvise(address, bytes, kNoAdvice) == 0;
}

}  // namespace brood::port::detail

#endif
