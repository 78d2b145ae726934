// Reading the limits that control groups set, versions 1 and 2. For port/linux only.
#ifndef BROOD_PORT_LINUX_CGROUP_HPP
#define BROOD_PORT_LINUX_CGROUP_HPP

#include <port/port.hpp>

namespace brood::port::detail {

/// A small text file of the system, line by line, without heap.
class LineReader {
public:
    explicit LineReader(const char* path) noexcept;
    ~LineReader() noexcept;
    LineReader(const LineReader&) = delete;
    LineReader& operator=(const LineReader&) = delete;

    /// The next line, without its end, valid until the next call; nullptr after the last.
    /// Lines that do not fit into the buffer are left out.
    const char* next() noexcept;

private:
    bool fill() noexcept;

    Fd fd_;
    std::size_t begin_ = 0, end_ = 0;  // What of the buffer is still to be given out.
    bool at_end_ = false;
    char buffer_[1024];
};

/// The number behind `key` in a file of "key number" or "key: number" lines; 0 if it is not there.
std::uint64_t entry_of(const char* path, const char* key) noexcept;

/// The control groups that limit this process by one controller: first its own, then its parents,
/// up to the root of what is mounted here. In a container that root usually is the container's own
/// group, and the path that the kernel names may lie outside: what cannot be read sets no limit.
class Cgroup {
public:
    static constexpr std::uint64_t kNoLimit = UINT64_MAX;

    /// `controller`: "memory" or "cpu".
    explicit Cgroup(const char* controller) noexcept;

    /// Whether the controller belongs to version 1, whose files have other names.
    bool is_v1() const noexcept { return is_v1_; }

    /// Goes to the parent. False if this was the root.
    bool up() noexcept;

    /// The number at `index` in the first line of a file of this group; "max" and -1 are kNoLimit.
    /// `otherwise` if there is no such file or number.
    std::uint64_t number(const char* file, int index, std::uint64_t otherwise) noexcept;

    /// entry_of() a file of this group.
    std::uint64_t entry(const char* file, const char* key) noexcept;

private:
    void place(const char* controller, const char* group) noexcept;
    void append(const char* text) noexcept;
    const char* path_of(const char* file) noexcept;

    bool is_v1_ = false;
    std::size_t root_length_ = 0, length_ = 0;  // Of the mount point, and of the whole path.
    char path_[1200];
};

}  // namespace brood::port::detail

#endif
