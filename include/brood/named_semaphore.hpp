// NamedSemaphore: the system's own (sem_open), shared with any program that knows the name.
#ifndef BROOD_NAMED_SEMAPHORE_HPP
#define BROOD_NAMED_SEMAPHORE_HPP

#include <cstdint>

#include <brood/result.hpp>
#include <brood/shared_memory.hpp>
#include <brood/text.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// A count of permits that any program may take and give by its name: sem_open(3).
///
/// It has no holders, by nature: nothing records who took a permit. So a permit that a process held
/// when it was killed does not come back, and anybody may give permits that nobody took. Between
/// processes of one program take Semaphore, whose permits return from the dead.
///
/// Memory: a page in this process and a file of the libc; its layout is the libc's, so programs of
///         another libc or word size cannot share it. No heap but the libc's own, in sem_open().
/// Fork:   children share it. Each process closes its own handle.
/// Names:  as SharedMemory: only the creating process removes its name, in the destructor, and only
///         while it is the name of that semaphore; after a kill it stays until remove(). Some bytes
///         shorter than there (glibc: 251 with the '/').
/// Callers: any thread; a handle that is moved or closed belongs to one. release() alone in a
///          signal handler.
class NamedSemaphore {
public:
    /// Makes it with `value` permits.
    /// Errors: already_exists, not_permitted, over_system_limit (`value`: SEM_VALUE_MAX), no_space,
    /// no_memory, too_many_files, bad_argument (not an Access), unsupported (no /dev/shm is
    /// mounted), the name_* ones.
    /// Killed here: there is none of that name, or a whole one, which fewer may be able to open
    /// than `access` says if the umask forbids it; remove() it. A temporary file of the libc may
    /// stay.
    static Result<NamedSemaphore> create(const char* name, std::uint32_t value,
                                         Access access = Access::owner) noexcept;
    /// Errors: not_found, not_permitted, corrupt (a file too short to be one), too_many_files, the
    /// name_* ones.
    static Result<NamedSemaphore> open(const char* name) noexcept;
    /// Removes a name; those who have it open keep it. Errors: not_found, not_permitted, the name_*
    /// ones.
    static Status remove(const char* name) noexcept;

    NamedSemaphore() noexcept = default;
    NamedSemaphore(NamedSemaphore&& other) noexcept;
    NamedSemaphore& operator=(NamedSemaphore&& other) noexcept;
    ~NamedSemaphore() noexcept { close(); }

    /// Takes a permit.
    /// Blocks:  until there is one, or `timeout`, also in a storm of signals or when the clock is
    ///          set. Looks again every 250 ms (with a timeout, on posix and without glibc 2.30,
    ///          every millisecond): the libc wakes one sleeper, and that one may be killed.
    /// Returns: ok; timed_out; closed; timeout_negative, timeout_overflow.
    /// Killed here: the permit is there still, or is lost with the process.
    Status acquire(Timeout timeout = Timeout::forever()) noexcept;
    Status acquire_nowait() noexcept { return acquire(Timeout::no_wait()); }
    /// Gives `count` permits, one by one.
    /// Returns: ok; over_system_limit (SEM_VALUE_MAX: none was given, unless others give, too, at
    ///          that moment); closed.
    /// Killed here: some of them were given.
    Status release(std::uint32_t count = 1) noexcept;
    /// The permits there are now. Errors: closed.
    Result<std::uint32_t> value() const noexcept;

    bool is_open() const noexcept { return semaphore_ != nullptr; }
    const char* name() const noexcept { return name_.c_str(); }
    /// The creator's destructor will leave the name in place.
    void keep_name() noexcept { owner_epoch_ = 0; }
    /// Closes it in this process, and removes the name if this process created it.
    void close() noexcept;

private:
    void* semaphore_ = nullptr;
    unsigned owner_epoch_ = 0;  // the process that removes the name
    Text<256> name_;
};

}  // namespace v0
}  // namespace brood

#endif
