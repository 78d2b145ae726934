#include <tools/walk.hpp>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace tool {

void Walk::report(const char* path, int error) noexcept {
    if (complain_ != nullptr) { complain_(context_, path, error); }
}

/// The same for an entry of the directory that is being read: path_, for now without its slash.
void Walk::report_in_directory(const char* name, int error) noexcept {
    const std::size_t directory_length = levels_.top().path_length;
    const char slash_or_end = path_[directory_length - 1];
    path_[directory_length - 1] = '/';
    std::memcpy(path_ + directory_length, name, std::strlen(name) + 1);
    report(path_, error);
    path_[directory_length - 1] = slash_or_end;
    path_[directory_length] = '\0';
}

void Walk::begin(const char* path) noexcept {
    while (!levels_.empty()) { drop_level(); }
    at_start_ = false;
    entered_length_ = 0;

    const std::size_t length = std::strlen(path);
    if (length >= kPathBytes - 1) { return report(path, ENAMETOOLONG); }
    std::memcpy(path_, path, length + 1);
    const int error = (gives_all_ ? lstat(path, &start_) : stat(path, &start_)) != 0 ? errno : 0;
    if (error != 0) { return report(path, error); }
    at_start_ = true;
    start_length_ = length;
}

bool Walk::next(File& file) noexcept {
    if (at_start_) {
        give_start(file);
        if (file.kind != Kind::enter || gives_all_) { return true; }
    }
    for (;;) {
        if (entered_length_ != 0) { enter(levels_.empty() && !gives_all_ ? 0 : O_NOFOLLOW); }
        if (levels_.empty()) { return false; }
        Level& level = levels_.top();
        if (level.next_entry == entries_.size()) {
            leave(file);
            if (gives_all_) { return true; }
            continue;
        }
        const Entry entry = entries_[level.next_entry++];
        std::size_t length = 0;
        if (!set_name(level, entry, length)) { continue; }
        if (entry.kind != Kind::enter) {
            file = {path_, length, entry.bytes, false, entry.linked, entry.kind};
            return true;
        }
        announce(length, file);
        if (gives_all_) { return true; }
    }
}

void Walk::give_start(File& file) noexcept {
    at_start_ = false;
    const Kind kind = S_ISDIR(start_.st_mode)   ? Kind::enter
                      : S_ISREG(start_.st_mode) ? Kind::regular
                                                : Kind::other;
    if (kind == Kind::enter) {
        const bool has_slash = path_[start_length_ - 1] == '/';
        if (!has_slash) { std::memcpy(path_ + start_length_, "/", 2); }
        announce(start_length_ + (has_slash ? 0 : 1), file);
        file.is_start = true;
        return;
    }
    const auto bytes = static_cast<std::uint64_t>(kind == Kind::regular ? start_.st_size : 0);
    file = {path_, start_length_, bytes, true, start_.st_nlink > 1, kind};
}

/// Of the directory path_, which ends with '/'.
void Walk::announce(std::size_t path_length, File& file) noexcept {
    entered_length_ = path_length;
    end_path(path_length);
    file = {path_, std::strlen(path_), 0, false, false, Kind::enter};
}

/// Takes the slash from the end of a directory's path. With its slash open() would follow a link
/// that took the directory's place a moment ago.
void Walk::end_path(std::size_t path_length) noexcept {
    path_[path_length > 1 ? path_length - 1 : 1] = '\0';
}

/// Writes the entry's path into path_. False if it is too long: said so.
bool Walk::set_name(const Level& level, const Entry& entry, std::size_t& length) noexcept {
    const char* const name = names_.data() + entry.name_at;
    const std::size_t name_length = std::strlen(name);
    length = level.path_length + name_length;
    std::memcpy(path_ + level.path_length, name, name_length + 1);  // path_ has room for any.
    if (length < kPathBytes) { return true; }
    report(path_, ENAMETOOLONG);
    return false;
}

/// Reads the directory that was announced and makes it the top level.
void Walk::enter(int open_flags) noexcept {
    const std::size_t path_length = entered_length_;
    entered_length_ = 0;
    const Level level = {entries_.size(), entries_.size(), names_.size(), path_length};
    int error = levels_.push(level) ? 0 : ENOMEM;
    if (error == 0) {
        const int fd = open(path_, O_RDONLY | O_DIRECTORY | O_CLOEXEC | open_flags);
        error = fd < 0 ? errno : read_directory(fd);
    }
    if (error != 0) { report(path_, error); }
    path_[path_length - 1] = '/';
    path_[path_length] = '\0';
}

/// Appends the entries that matter, sorted, and closes `fd`. Returns 0 or errno: what was read
/// before the error stays.
int Walk::read_directory(int fd) noexcept {
    const std::size_t first = entries_.size();
    DIR* const directory = fdopendir(fd);
    if (directory == nullptr) {
        const int error = errno;
        close(fd);
        return error;
    }
    int error = 0;
    while (error == 0) {
        errno = 0;
        const dirent* const found = readdir(directory);
        if (found == nullptr) {
            error = errno;
            break;
        }
        error = add_entry(fd, found->d_name);
    }
    closedir(directory);
    sort_entries(first);
    return error;
}

/// Returns 0 or errno; a file that cannot be looked at is complained of and is no error.
int Walk::add_entry(int fd, const char* name) noexcept {
    const std::size_t length = std::strlen(name);
    if (length > kNameLengthMax) { return ENAMETOOLONG; }
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) { return 0; }

    struct stat status;
    if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        report_in_directory(name, errno);
        return 0;
    }
    const bool is_directory = S_ISDIR(status.st_mode), is_regular = S_ISREG(status.st_mode);
    if (!is_directory && !is_regular && !gives_all_) { return 0; }

    const auto bytes = static_cast<std::uint64_t>(is_regular ? status.st_size : 0);
    const Kind kind = is_directory ? Kind::enter : is_regular ? Kind::regular : Kind::other;
    const Entry entry = {names_.size(), bytes, kind, !is_directory && status.st_nlink > 1};
    const bool stored = names_.append(name, length) && (!is_directory || names_.push('/')) &&
                        names_.push('\0') && entries_.push(entry);
    return stored ? 0 : ENOMEM;
}

/// A directory's name carries its slash: so "a.c" comes before "a/b", and that before "a0", as in
/// a sorted list of whole paths.
void Walk::sort_entries(std::size_t first) noexcept {
    const char* const names = names_.data();
    std::sort(entries_.data() + first, entries_.data() + entries_.size(),
              [names](const Entry& a, const Entry& b) {
                  return std::strcmp(names + a.name_at, names + b.name_at) < 0;
              });
}

void Walk::leave(File& file) noexcept {
    end_path(levels_.top().path_length);
    drop_level();
    file = {path_, std::strlen(path_), 0, levels_.empty(), false, Kind::leave};
}

void Walk::drop_level() noexcept {
    entries_.cut(levels_.top().first_entry);
    names_.cut(levels_.top().first_name);
    levels_.cut(levels_.size() - 1);
}

}  // namespace tool
