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
    while (!levels_.empty()) { leave(); }
    at_start_ = false;

    const std::size_t length = std::strlen(path);
    if (length >= kPathBytes - 1) { return report(path, ENAMETOOLONG); }
    std::memcpy(path_, path, length + 1);
    if (stat(path, &start_) != 0) { return report(path, errno); }
    if (!S_ISDIR(start_.st_mode)) {
        at_start_ = true;
        start_length_ = length;
        return;
    }
    const bool has_slash = path_[length - 1] == '/';
    if (!has_slash) { std::memcpy(path_ + length, "/", 2); }
    enter(length + (has_slash ? 0 : 1), 0);
}

bool Walk::next(File& file) noexcept {
    if (at_start_) {
        at_start_ = false;
        const bool regular = S_ISREG(start_.st_mode);
        const auto bytes = static_cast<std::uint64_t>(regular ? start_.st_size : 0);
        file = {path_, start_length_, bytes, true, regular};
        return true;
    }
    while (!levels_.empty()) {
        Level& level = levels_.top();
        if (level.next_entry == entries_.size()) {
            leave();
            continue;
        }
        const Entry entry = entries_[level.next_entry++];
        std::size_t length = 0;
        if (!set_name(level, entry, length)) { continue; }
        if (!entry.directory) {
            file = {path_, length, entry.bytes, false, true};
            return true;
        }
        enter(length, O_NOFOLLOW);
    }
    return false;
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

/// Reads the directory path_, which ends with '/', and makes it the top level.
void Walk::enter(std::size_t path_length, int open_flags) noexcept {
    // With its slash open() would follow a link that took the directory's place a moment ago.
    const bool is_root = path_length == 1;
    if (!is_root) { path_[path_length - 1] = '\0'; }
    const int fd = open(path_, O_RDONLY | O_DIRECTORY | O_CLOEXEC | open_flags);
    int error = fd < 0 ? errno : 0;

    const Level level = {entries_.size(), entries_.size(), names_.size(), path_length};
    if (error == 0) { error = levels_.push(level) ? read_directory(fd) : ENOMEM; }
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
    const bool is_directory = S_ISDIR(status.st_mode);
    if (!is_directory && !S_ISREG(status.st_mode)) { return 0; }

    const Entry entry = {names_.size(), static_cast<std::uint64_t>(status.st_size), is_directory};
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

void Walk::leave() noexcept {
    entries_.cut(levels_.top().first_entry);
    names_.cut(levels_.top().first_name);
    levels_.cut(levels_.size() - 1);
}

}  // namespace tool
