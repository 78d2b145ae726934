// SharedMemory: bytes that several processes see, with a name or without.
#ifndef BROOD_SHARED_MEMORY_HPP
#define BROOD_SHARED_MEMORY_HPP

#include <cstddef>
#include <cstdint>

#include <brood/result.hpp>
#include <brood/text.hpp>

namespace brood {
inline namespace v0 {

/// Who may open a named object. The umask does not count.
enum class Access : std::uint32_t { owner = 0600, group = 0660, everybody = 0666 };

/// Zeroed bytes of shared memory, without any header: what one process writes, all others see.
/// The same as Python's multiprocessing.shared_memory.SharedMemory, and readable by it.
///
/// Memory: whole pages, all allocated when it is made: a full file system or cgroup is no_space
///         here and never SIGBUS later. (Another program that truncates a named segment while it
///         is in use does cause SIGBUS: no check can prevent that.)
/// Fork:   children share it. It is unmapped by the destructor in each process for itself.
/// Names:  begin with '/', no other '/', up to 255 bytes. Only the process that created a name
///         removes it, in its destructor; after a kill it stays until remove().
/// Callers: any thread; one object belongs to one thread at a time. Not a signal handler.
class SharedMemory {
public:
    /// No name: children inherit it, and nothing is left behind however the processes end.
    /// Errors: size_zero, size_too_large, no_space, no_memory, too_many_files.
    static Result<SharedMemory> anonymous(std::size_t bytes) noexcept;
    /// A new named segment. Errors: as above, already_exists, the name_* ones, not_permitted,
    /// bad_argument (not a name or an Access at all), unsupported (no /dev/shm is mounted).
    /// Killed here: open() says not_ready, and the next create() of the name replaces it.
    static Result<SharedMemory> create(const char* name, std::size_t bytes,
                                       Access access = Access::owner) noexcept;
    /// A segment that somebody created, in its whole size.
    /// Errors: not_found, not_ready (its creator is not done), not_permitted, the name_* ones.
    static Result<SharedMemory> open(const char* name, bool writable = true) noexcept;
    /// Removes a name; mappings stay. Errors: not_found, not_permitted, the name_* ones.
    static Status remove(const char* name) noexcept;

    SharedMemory() noexcept = default;
    SharedMemory(SharedMemory&& other) noexcept;
    SharedMemory& operator=(SharedMemory&& other) noexcept;
    ~SharedMemory() noexcept { close(); }

    void* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return bytes_; }
    /// "" if it has none.
    const char* name() const noexcept { return name_.c_str(); }
    /// The creator's destructor will leave the name in place.
    void keep_name() noexcept { owner_epoch_ = 0; }
    /// Unmaps it here, and removes the name if this process created it.
    void close() noexcept;

private:
    friend struct SharedMemoryAccess;  // segments are built on it: src/segment.cpp
    void* data_ = nullptr;
    std::size_t bytes_ = 0;               // 0: it stays mapped
    unsigned owner_epoch_ = 0;            // the process that removes the name
    std::uint64_t identity_[2] = {0, 0};  // the object behind the name, for the creator
    Text<256> name_;
};

}  // namespace v0
}  // namespace brood

#endif
