// Walk: the files below a path, in the order of their paths.
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
/// Walk::Give::regular: a symbolic link is followed if it is the PATH itself, and never below it.
/// Files that are neither directories nor regular (links, devices, pipes, sockets) are passed over.
/// Walk::Give::all: all files are given out, and each directory twice: before what it holds, and
/// after it. No link is followed.
///
/// Memory: the names of one directory on each level of the tree, on the heap.
class Walk {
public:
    /// Told about what could not be looked at: errno and a path. May be null.
    using Complain = void (*)(void* context, const char* path, int error);
    enum class Give { regular, all };
    enum class Kind : unsigned char {
        regular,
        other,
        enter,  ///< A directory, before what it holds.
        leave,  ///< The same, after that.
    };

    struct File {
        const char* path;  ///< Until the next call.
        std::size_t path_length;
        std::uint64_t bytes;
        bool is_start;  ///< The PATH itself.
        bool linked;    ///< It has other names, too: no directory.
        Kind kind;      ///< regular; of all, or of the PATH itself, also other.
    };

    Walk(Complain complain, void* context, Give give = Give::regular) noexcept
        : complain_(complain), context_(context), gives_all_(give == Give::all) {}

    /// Begins at `path`, wherever the last walk was.
    void begin(const char* path) noexcept;
    /// The next file; false at the end.
    bool next(File& file) noexcept;
    /// Passes over what is in the directory that was given out just now, and does not give it out
    /// again.
    void skip() noexcept { entered_length_ = 0; }

private:
    static constexpr std::size_t kNameLengthMax = 1022;  // More than any file system allows.

    struct Entry {
        std::size_t name_at;  // in names_; a directory's name ends with '/'
        std::uint64_t bytes;
        Kind kind;  // not leave
        bool linked;
    };
    struct Level {
        std::size_t next_entry, first_entry, first_name;
        std::size_t path_length;  // of the directory, with '/'
    };

    void give_start(File& file) noexcept;
    void announce(std::size_t path_length, File& file) noexcept;
    void enter(int open_flags) noexcept;
    int read_directory(int fd) noexcept;
    int add_entry(int fd, const char* name) noexcept;
    void sort_entries(std::size_t first) noexcept;
    bool set_name(const Level& level, const Entry& entry, std::size_t& length) noexcept;
    void leave(File& file) noexcept;
    void drop_level() noexcept;
    void end_path(std::size_t path_length) noexcept;
    void report(const char* path, int error) noexcept;
    void report_in_directory(const char* name, int error) noexcept;

    Complain complain_;
    void* context_;
    bool gives_all_;
    struct stat start_ = {};
    bool at_start_ = false;           // next() has not given out yet what begin() met
    std::size_t entered_length_ = 0;  // of a directory that was announced and is to be entered
    std::size_t start_length_ = 0;
    WalkStack<Level> levels_;
    WalkStack<Entry> entries_;  // of all levels
    WalkStack<char> names_;     // of all entries, each with its NUL
    char path_[kPathBytes + kNameLengthMax + 2];
};

}  // namespace tool

#endif
