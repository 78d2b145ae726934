// Named semaphores: here they are files, which have a mode and a size, and some libcs wait by the
// monotonic clock.
#include <errno.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <time.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>
#include <port/posix/named_semaphore.hpp>
#include <port/posix/time.hpp>

// sem_clockwait() is in glibc from 2.30 on, and in no other libc.
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 30)
#define BROOD_HAS_SEM_CLOCKWAIT 1
#endif
#endif

namespace brood::port {
namespace {

// Where the libc keeps it: glibc and uClibc (which says that it is glibc) put "sem." before it.
struct Path {
#if defined(__GLIBC__)
    static constexpr char kFolder[] = "/dev/shm/sem.";
#else
    static constexpr char kFolder[] = "/dev/shm/";
#endif
    char text[sizeof(kFolder) + 256];

    /// `name` has been taken by sem_open(), so it fits.
    explicit Path(const char* name) noexcept {
        std::size_t at = 0;
        for (; kFolder[at] != '\0'; ++at) { text[at] = kFolder[at]; }
        while (*name == '/') { ++name; }
        for (; *name != '\0' && at + 1 < sizeof(text); ++name) { text[at++] = *name; }
        text[at] = '\0';
    }
};

#ifdef BROOD_HAS_SEM_CLOCKWAIT
int wait_in_slice(sem_t* semaphore, std::int64_t end_ns, detail::Backoff&) noexcept {
    const timespec end = detail::timespec_of(end_ns);
    return ::sem_clockwait(semaphore, CLOCK_MONOTONIC, &end) == 0 ? 0 : errno;
}
#else
// By looking again: sem_timedwait() follows the wall clock.
int wait_in_slice(sem_t* semaphore, std::int64_t end_ns, detail::Backoff& backoff) noexcept {
    backoff.sleep(end_ns);
    return ::sem_trywait(semaphore) == 0 ? 0 : errno;
}
#endif

}  // namespace

int detail::sem_sleep(sem_t* semaphore, std::int64_t deadline_ns, Backoff& backoff) noexcept {
    const std::int64_t slice_end = now_ns() + kSliceNs;
    return wait_in_slice(semaphore, slice_end < deadline_ns ? slice_end : deadline_ns, backoff);
}

inline namespace BROOD_PORT_LAYER {

Result<Semaphore> sem_create(const char* name, std::uint32_t mode, std::uint32_t value) noexcept {
    if (value > sem_value_max()) {
        return Error(Errc::over_system_limit, EINVAL, sem_value_max(), Limit::sem_value_max);
    }
    const auto wanted = static_cast<mode_t>(mode);
    const Result<Semaphore> made =
        detail::open_semaphore(name, O_CREAT | O_EXCL, wanted, static_cast<unsigned>(value));
    // What is missing is not the semaphore, but the file system that would hold it.
    if (made.code() == Errc::not_found) { return Error(Errc::unsupported, ENOENT); }
    if (!made) { return made; }
    // If killed here: the umask has taken rights away, so that fewer may open it than should.
    if (::chmod(Path(name).text, wanted) == 0) { return made; }
    const Error error = detail::last_error();
    sem_unlink(name).ignore();
    sem_close(*made);
    return error;
}

// glibc maps whatever has the name; to touch one that is too short would raise SIGBUS.
Result<Semaphore> sem_open(const char* name) noexcept {
    const Result<Semaphore> opened = detail::open_semaphore(name, 0);
    struct stat found = {};
    if (opened && ::stat(Path(name).text, &found) == 0 &&
        found.st_size < static_cast<off_t>(sizeof(sem_t))) {
        sem_close(*opened);
        return Errc::corrupt;
    }
    return opened;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
