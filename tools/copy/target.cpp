#include <tools/copy/target.hpp>

#include <errno.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <tools/copy/temporary.hpp>
#include <tools/sum_format.hpp>
#include <tools/walk_stack.hpp>

namespace tool::copy {
namespace {

struct Name {
    const char* text;
    int length;
};

/// The last part of a path, without the slashes behind it; of ".." it is ".": the parent's content
/// goes where it is asked to, and not above.
Name last_name(const char* path) noexcept {
    std::size_t end = std::strlen(path);
    while (end > 0 && path[end - 1] == '/') { --end; }
    std::size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') { --begin; }
    const auto length = static_cast<int>(end - begin);
    const bool is_parent = length == 2 && std::strncmp(path + begin, "..", 2) == 0;
    return length == 0 || is_parent ? Name{".", 1} : Name{path + begin, length};
}

bool is_same(const struct stat& a, const struct stat& b) noexcept {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Whether the folder `inner`, as the system resolves it, is in the folder `outer` or is it.
bool is_inside(const char* inner, const struct stat& outer) noexcept {
    char path[3 * kPathBytes];
    std::size_t length = std::strlen(inner);
    std::memcpy(path, inner, length + 1);
    struct stat now, above;
    if (stat(path, &now) != 0) { return false; }
    while (!is_same(now, outer)) {
        if (length + 4 > sizeof path) { return false; }  // No system resolves such a path.
        std::memcpy(path + length, "/..", 4);
        length += 3;
        if (stat(path, &above) != 0 || is_same(now, above)) { return false; }
        now = above;
    }
    return true;
}

}  // namespace

bool Destination::refuse(const char* source, const char* what) noexcept {
    output_.complain(source, what);
    return false;
}

bool Destination::look(const Options& options) noexcept {
    path_ = options.destination;
    if (*path_ == '\0' || std::strlen(path_) >= kPathBytes - 1) {
        output_.complain(path_, *path_ == '\0' ? ENOENT : ENAMETOOLONG);
        return false;
    }
    struct stat status;
    is_folder_ = stat(path_, &status) == 0 && S_ISDIR(status.st_mode);
    if (options.source_count > 1 && !is_folder_) {
        return refuse(path_, "not a folder, and several SRC need one");
    }
    const std::size_t length = is_folder_ ? 0 : folder_length(path_);
    if (!is_folder_) {
        std::snprintf(folder_, sizeof folder_, "%.*s", static_cast<int>(length), path_);
    }
    return !has_twice(options);
}

const char* Destination::folder() noexcept {
    if (is_folder_) { return path_; }
    return folder_[0] != '\0' ? folder_ : ".";
}

/// Whether two SRC would go to the same place.
bool Destination::has_twice(const Options& options) noexcept {
    WalkStack<Name> names;
    for (int i = 0; i < options.source_count; ++i) {
        if (!names.push(last_name(options.sources[i]))) {
            output_.complain(path_, ENOMEM);
            return true;
        }
    }
    const auto compare = [](const Name& a, const Name& b) {
        const int order =
            std::strncmp(a.text, b.text, static_cast<std::size_t>(std::min(a.length, b.length)));
        return order != 0 ? order : a.length - b.length;
    };
    Name* const begin = names.data();
    std::sort(begin, begin + names.size(),
              [&](const Name& a, const Name& b) { return compare(a, b) < 0; });
    for (std::size_t i = 1; i < names.size(); ++i) {
        if (compare(begin[i - 1], begin[i]) != 0) { continue; }
        char what[kPathBytes + 64];
        std::snprintf(what, sizeof what, "two SRC would go to %.*s in it", begin[i].length,
                      begin[i].text);
        return !refuse(path_, what);
    }
    return false;
}

bool Destination::find_target(const char* source, char (&target)[kPathBytes]) noexcept {
    struct stat status;
    if (lstat(source, &status) != 0) {
        output_.complain(source, errno);
        return false;
    }
    const Name name = last_name(source);
    const std::size_t length = std::strlen(path_);
    const bool ends = path_[length - 1] == '/';
    const int made = is_folder_ ? std::snprintf(target, sizeof target, "%s%s%.*s", path_,
                                                ends ? "" : "/", name.length, name.text)
                                : std::snprintf(target, sizeof target, "%s", path_);
    if (made < 0 || static_cast<std::size_t>(made) >= sizeof target) {
        output_.complain(path_, ENAMETOOLONG);
        return false;
    }
    if (!is_folder_ && ends && !S_ISDIR(status.st_mode)) { return refuse(path_, "no such folder"); }
    for (std::size_t end = std::strlen(target); end > 1 && target[end - 1] == '/';) {
        target[--end] = '\0';
    }
    // The folder of what is not there yet.
    std::snprintf(folder_, sizeof folder_, "%.*s", static_cast<int>(folder_length(target)), target);
    return is_allowed(source, status, target);
}

bool Destination::is_allowed(const char* source, const struct stat& status,
                             const char* target) noexcept {
    char what[kPathBytes + 80];
    struct stat found, followed, folder;
    const char* const above = folder_[0] != '\0' ? folder_ : ".";
    if (stat(above, &folder) != 0 || !S_ISDIR(folder.st_mode)) {
        return refuse(above, "no such folder");
    }
    const bool there = lstat(target, &found) == 0;
    const bool leads = there && stat(target, &followed) == 0;
    if ((there && is_same(found, status)) || (leads && is_same(followed, status))) {
        std::snprintf(what, sizeof what, "it would be copied onto itself: %s is the same", target);
        return refuse(source, what);
    }
    if (S_ISDIR(status.st_mode)) {
        const char* const inner = leads && S_ISDIR(followed.st_mode) ? target : above;
        if (is_inside(inner, status)) {
            std::snprintf(what, sizeof what, "it would be copied into itself: %s is in it", target);
            return refuse(source, what);
        }
        if (there && !S_ISDIR(found.st_mode)) {
            std::snprintf(what, sizeof what, "a folder does not replace %s, which is none", target);
            return refuse(source, what);
        }
    } else if (there && S_ISDIR(found.st_mode)) {
        std::snprintf(what, sizeof what, "it does not replace the folder %s", target);
        return refuse(source, what);
    }
    return true;
}

}  // namespace tool::copy
