// What the files of named semaphores share. For port/ only.
#ifndef BROOD_PORT_POSIX_NAMED_SEMAPHORE_HPP
#define BROOD_PORT_POSIX_NAMED_SEMAPHORE_HPP

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "time.hpp"

namespace brood::port::detail {

inline sem_t* sem_of(Semaphore semaphore) noexcept {
    return static_cast<sem_t*>(semaphore);
}

/// sem_open(), over signals. Libcs put letters of their own before the name, and some answer EINVAL
/// if it does not fit then.
template <class... Creation>
Result<Semaphore> open_semaphore(const char* name, int flags, Creation... creation) noexcept {
    for (;;) {
        sem_t* const semaphore = ::sem_open(name, flags, creation...);
        if (semaphore != SEM_FAILED) { return static_cast<void*>(semaphore); }
        const int err = errno;
        if (err == EINTR) { continue; }
        std::size_t bytes = 0;
        while (name[bytes] != '\0') { ++bytes; }
        constexpr std::size_t kPrefixMax = 4;  // "sem."
        return error_of(err == EINVAL && bytes > NAME_MAX - kPrefixMax ? ENAMETOOLONG : err);
    }
}

/// Sleeps until the semaphore may have been posted, at most until the deadline or for kSliceNs: a
/// sleeper that is killed takes the wake-up that was meant for him with him, and the libc hands it
/// to no other. An errno; 0: taken.
int sem_sleep(sem_t* semaphore, std::int64_t deadline_ns, Backoff& backoff) noexcept;

}  // namespace brood::port::detail

#endif
