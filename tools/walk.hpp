// Walk: the regular files below a path, in the order of their paths.
#ifndef BROOD_TOOLS_WALK_HPP
#define BROOD_TOOLS_WALK_HPP

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>

#include <tools/walk_stack.hpp>

namespace tool {

/// The longest path that the walk gives out, with its NUL: what open(2) of Linux takes.
inline constexpr std::size_t kPathBytes = 4096;

/// Finds what `find PATH -type f | LC_ALL=C sort` finds, in that order, while it goes.
///
/// A symbolic link is followed if it is the PATH itself, and never below it. Files that are
/// neither directories nor regular (links, devices, pipes, sockets) are passed over.
///
/// Memory: the names of one directory on each level of the tree, on the heap.
class Walk {
public:
    /// Told about what could not be looked at: errno and a path. May be null.
    using Complain = void (*)(void* context, const char* path, int error);

    struct File {
        const char* path;  ///< Until the next call.
        std::size_t path_length;
        std::uint64_t bytes;
        bool followed;  ///< The PATH itself: it may be a symbolic link.
        bool regular;   ///< False: the PATH itself, and a device, a pipe or the like.
    };

    Walk(Complain complain, void* context) noexcept : complain_(complain), context_(context) {}

    /// Begins at `path`, wherever the last walk was.
    void begin(const char* path) noexcept;
    /// The next file; false at the end.
    bool next(File& file) noexcept;

private:
    static constexpr std::size_t kNameLengthMax = 1022;  // More than any file system allows.

    struct Entry {
        std::size_t name_at;  // in names_; a directory's name ends with '/'
        std::uint64_t bytes;
        bool directory;
    };
    struct Level {
        std::size_t next_entry, first_entry, first_name;
        std::size_t path_length;  // of the directory, with '/'
    };

    void enter(std::size_t path_length, int open_flags) noexcept;
    int read_directory(int fd) noexcept;
    int add_entry(int fd, const char* name) noexcept;
    void sort_entries(std::size_t first) noexcept;
    bool set_name(const Level& level, const Entry& entry, std::size_t& length) noexcept;
    void leave() noexcept;
    void report(const char* path, int error) noexcept;
    void report_in_directory(const char* name, int error) noexcept;

    Complain complain_;
    void* context_;
    struct stat start_ = {};
    bool at_start_ = false;  // begin() met a file, which next() has not given out yet
    std::size_t start_length_ = 0;
    WalkStack<Level> levels_;
    WalkStack<Entry> entries_;  // of all levels
    WalkStack<char> names_;     // of all entries, each with its NUL
    char path_[kPathBytes + kNameLengthMax + 2];
};

}  // namespace tool

#endif
