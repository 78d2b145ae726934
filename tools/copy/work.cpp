#include <tools/copy/work.hpp>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <utility>

#include <tools/copy/content.hpp>
#include <tools/copy/metadata.hpp>
#include <tools/copy/system.hpp>

namespace tool::copy {

Work g_work;

namespace {

using End = Outcome::End;

/// A descriptor that is closed in the end.
class Fd {
public:
    explicit Fd(int fd) noexcept : fd_(fd) {}
    ~Fd() noexcept { close(); }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    int get() const noexcept { return fd_; }
    bool is_open() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }
    /// Some file systems tell here that what was written is lost. Returns 0 or an errno.
    int close() noexcept {
        const int fd = std::exchange(fd_, -1);
        return fd < 0 || ::close(fd) == 0 || errno == EINTR ? 0 : errno;
    }

private:
    int fd_;
};

/// The host found a regular file. Should a pipe be there now, O_NONBLOCK keeps us from waiting for
/// its writer; should a link be there, it is not to be followed.
int open_source(const char* path) noexcept {
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
}

Outcome source_failure() noexcept {
    return errno == ELOOP ? Outcome{End::replaced, 0, false} : Outcome::at_source(errno);
}

bool is_changed(const struct stat& before, const struct stat& after) noexcept {
    return before.st_size != after.st_size || before.st_mtim.tv_sec != after.st_mtim.tv_sec ||
           before.st_mtim.tv_nsec != after.st_mtim.tv_nsec;
}

Content content_of(int from, int to, const struct stat& status) noexcept {
    return {from, to, is_sparse(status), g_work.options->reflink != Reflink::never,
            &g_work.area->kib_done};
}

/// Compares all of it, where the copy is told to be there.
Outcome verify(const Content& content, off_t begin, off_t end) noexcept {
    bool same = false;
    const int error = compare_content(content, begin, end, same);
    if (error != 0) { return Outcome::at_source(error); }
    return same ? Outcome() : Outcome{End::different, 0, true};
}

enum class Cloned { yes, no, failed };

/// From this size on it pays to ask whether blocks can be shared.
constexpr off_t kCloneBytes = 64 * 1024;

Cloned clone(int from, int to, off_t bytes, Outcome& outcome) noexcept {
    const Reflink reflink = g_work.options->reflink;
    if (reflink == Reflink::never || bytes == 0) { return Cloned::no; }
    if (reflink == Reflink::automatic && bytes < kCloneBytes) { return Cloned::no; }
    const int error = system::clone(from, to);
    if (error == 0) { return Cloned::yes; }
    if (reflink == Reflink::automatic) { return Cloned::no; }
    outcome = Outcome::target(error);
    return Cloned::failed;
}

/// Gives the file all but its name, and then that.
Outcome complete(int from, Fd& to, const Temporary& temporary, const char* target,
                 const struct stat& status) noexcept {
    int error = put_metadata(from, to.get(), status);
    if (error == 0 && g_work.options->fsync && fsync(to.get()) != 0) { error = errno; }
    if (error == 0) { error = to.close(); }
    // If killed here: the target is as it was; a later run removes what has the other name.
    if (error == 0 && rename(temporary.path(), target) != 0) { error = errno; }
    return error == 0 ? Outcome() : Outcome::target(error);
}

Outcome put_content(const Content& content, const struct stat& status) noexcept {
    Outcome outcome;
    switch (clone(content.from, content.to, status.st_size, outcome)) {
        case Cloned::failed: return outcome;
        case Cloned::yes: count_bytes(content, status.st_size); break;
        case Cloned::no: {
            const Copied copied = status.st_size == 0 ? copy_all(content)
                                                      : copy_content(content, 0, status.st_size);
            if (copied.error != 0) { return {End::failed, copied.error, copied.at_target}; }
            // The last hole; but some files of /sys are shorter than they say.
            const bool extend = content.sparse && !copied.is_short;
            if (extend && ftruncate(content.to, status.st_size) != 0) {
                return Outcome::target(errno);
            }
        }
    }
    return g_work.options->verify ? verify(content, 0, status.st_size) : Outcome();
}

Outcome copy_anew(int from, const Item& item, const struct stat& status) noexcept {
    const Temporary temporary = temporary_of(item);
    Fd to(temporary.create());
    if (!to.is_open()) { return Outcome::target(errno); }
    Outcome outcome = put_content(content_of(from, to.get(), status), status);
    struct stat after;
    const bool is_known = fstat(from, &after) == 0;
    const bool counts = outcome.is_well() || outcome.end == End::different;
    if (counts && !is_known) { outcome = Outcome::at_source(errno); }
    if (counts && is_known && is_changed(status, after)) { outcome = {End::changed, 0, false}; }
    if (outcome.is_well()) {
        outcome = complete(from, to, temporary, g_work.area->target(item), status);
    }
    if (!outcome.is_well()) { temporary.remove(); }
    return outcome;
}

/// Whether a file that is there as far as its age tells is good; brings owner and mode up to date.
bool is_good(int from, const char* target, const struct stat& status) noexcept {
    const Fd to(open_source(target));
    struct stat found;
    if (!to.is_open() || fstat(to.get(), &found) != 0 || !S_ISREG(found.st_mode)) { return false; }
    const Content content = content_of(from, to.get(), status);
    if (g_work.options->verify && !verify(content, 0, status.st_size).is_well()) { return false; }
    count_bytes(content, status.st_size);
    return mend_metadata(to.get(), found, status) == 0;
}

Outcome copy_file(const Item& item) noexcept {
    const Fd from(open_source(g_work.area->source(item)));
    struct stat status, found;
    if (!from.is_open() || fstat(from.get(), &status) != 0) { return source_failure(); }
    if (!S_ISREG(status.st_mode)) { return {End::replaced, 0, false}; }

    const char* const target = g_work.area->target(item);
    if (lstat(target, &found) == 0) {
        if (S_ISDIR(found.st_mode)) { return Outcome::target(EISDIR); }
        const bool as_told = S_ISREG(found.st_mode) && is_same_age(found, status);
        if (as_told && is_good(from.get(), target, status)) { return {End::present, 0, false}; }
    }
    Outcome outcome = copy_anew(from.get(), item, status);
    if (outcome.end == End::changed && fstat(from.get(), &status) == 0) {
        outcome = copy_anew(from.get(), item, status);
    }
    return outcome;
}

// ---- Large files -----------------------------------------------------------------------------

Outcome copy_piece(const Item& item) noexcept {
    const Fd from(open_source(g_work.area->source(item)));
    struct stat status;
    if (!from.is_open() || fstat(from.get(), &status) != 0) { return source_failure(); }
    const Temporary temporary = temporary_of(item);
    Fd to(open(temporary.path(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!to.is_open()) { return Outcome::target(errno); }
    const Content content = content_of(from.get(), to.get(), status);
    const Copied copied = copy_content(content, item.begin, item.end);
    if (copied.error != 0) { return {End::failed, copied.error, copied.at_target}; }
    if (copied.is_short) { return {End::changed, 0, false}; }
    const Outcome outcome = g_work.options->verify ? verify(content, item.begin, item.end)
                                                   : Outcome();
    const int error = to.close();
    return error == 0 ? outcome : Outcome::target(error);
}

/// Done again after a kill, it may find that it is done.
Outcome finish_large(const Item& item) noexcept {
    const Fd from(open_source(g_work.area->source(item)));
    struct stat status, before = {};
    if (!from.is_open() || fstat(from.get(), &status) != 0) { return source_failure(); }
    before.st_size = item.end;
    before.st_mtim = item.modified;
    if (is_changed(before, status) || status.st_ino != item.inode) {
        return {End::changed, 0, false};
    }
    const Temporary temporary = temporary_of(item);
    const char* const target = g_work.area->target(item);
    Fd to(open(temporary.path(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!to.is_open() && errno == ENOENT && is_present(target, status)) { return Outcome(); }
    if (!to.is_open()) { return Outcome::target(errno); }
    return complete(from.get(), to, temporary, target, status);
}

// ---- Links, pipes, devices -------------------------------------------------------------------

/// Its text; false if it is none any more.
bool read_link(const char* path, char (&text)[kPathBytes]) noexcept {
    const ssize_t length = readlink(path, text, sizeof text - 1);
    if (length < 0) { return false; }
    text[length] = '\0';
    return true;
}

bool is_as(const char* target, const struct stat& found, const struct stat& status,
           const char* text) noexcept {
    char found_text[kPathBytes];
    const bool same = found.st_mode == status.st_mode && is_same_age(found, status) &&
                      found.st_uid == status.st_uid && found.st_gid == status.st_gid;
    if (!same) { return false; }
    if (!S_ISLNK(status.st_mode)) { return found.st_rdev == status.st_rdev; }
    return read_link(target, found_text) && std::strcmp(found_text, text) == 0;
}

Outcome copy_other(const Item& item) noexcept {
    const char* const source = g_work.area->source(item);
    const char* const target = g_work.area->target(item);
    struct stat status, found;
    if (lstat(source, &status) != 0) { return Outcome::at_source(errno); }
    if (S_ISREG(status.st_mode)) { return copy_file(item); }
    if (S_ISDIR(status.st_mode)) { return {End::replaced, 0, false}; }
    if (S_ISSOCK(status.st_mode)) { return {End::socket, 0, false}; }

    char text[kPathBytes] = "";
    const bool is_link = S_ISLNK(status.st_mode);
    if (is_link && !read_link(source, text)) { return Outcome::at_source(errno); }
    if (lstat(target, &found) == 0) {
        if (S_ISDIR(found.st_mode)) { return Outcome::target(EISDIR); }
        if (is_as(target, found, status, text)) { return {End::present, 0, false}; }
    }
    const Temporary temporary = temporary_of(item);
    const auto make = [&] {
        const bool made = is_link ? symlink(text, temporary.path()) == 0
                                  : mknod(temporary.path(), (status.st_mode & S_IFMT) | 0600,
                                          status.st_rdev) == 0;
        return made ? 0 : errno;
    };
    int error = make();
    if (error == EEXIST) {  // Of an attempt that was killed.
        temporary.remove();
        error = make();
    }
    if (error != 0) { return Outcome::target(error); }
    error = put_metadata_of_path(temporary.path(), status);
    if (error == 0 && rename(temporary.path(), target) != 0) { error = errno; }
    if (error == 0) { return Outcome(); }
    temporary.remove();
    return Outcome::target(error);
}

Outcome do_item(const Item& item) noexcept {
    switch (item.kind) {
        case Kind::piece: return copy_piece(item);
        case Kind::finish: return finish_large(item);
        case Kind::file: return copy_file(item);
        default: return copy_other(item);
    }
}

}  // namespace

Temporary temporary_of(const Item& item) noexcept {
    return Temporary(g_work.area->target(item), g_work.run, item.number);
}

void do_items(std::uint32_t first, std::uint32_t last) noexcept {
    std::uint32_t files = 0;
    for (std::uint32_t number = first; number != last + 1; ++number) {
        Item& item = g_work.area->item(number);
        if (item.is_done()) { continue; }  // Before a worker died.
        item.outcome = do_item(item);
        __atomic_store_n(&item.done, 1u, __ATOMIC_RELEASE);
        files += item.kind == Kind::piece ? 0 : 1;
    }
    __atomic_fetch_add(&g_work.area->files_done, files, __ATOMIC_RELAXED);
}

bool is_present(const char* target, const struct stat& source) noexcept {
    struct stat found;
    return lstat(target, &found) == 0 && S_ISREG(found.st_mode) && is_same_age(found, source);
}

Large begin_large(const char* source, const char* target, const Temporary& temporary) noexcept {
    Large large;
    Fd from(open_source(source));
    struct stat found;
    if (!from.is_open() || fstat(from.get(), &large.status) != 0) {
        large.outcome = source_failure();
        return large;
    }
    if (lstat(target, &found) == 0 && S_ISDIR(found.st_mode)) {
        large.outcome = Outcome::target(EISDIR);
        return large;
    }
    Fd to(temporary.create());
    if (!to.is_open()) {
        large.outcome = Outcome::target(errno);
        return large;
    }
    const Cloned cloned = clone(from.get(), to.get(), large.status.st_size, large.outcome);
    if (cloned == Cloned::no && ftruncate(to.get(), large.status.st_size) != 0) {
        large.outcome = Outcome::target(errno);
    }
    if (!large.outcome.is_well()) {
        temporary.remove();
        return large;
    }
    large.is_whole = cloned == Cloned::yes;
    large.from = from.release();
    large.to = to.release();
    return large;
}

Outcome make_link(const Item& item) noexcept {
    const char* const first = g_work.area->source(item);
    const char* const target = g_work.area->target(item);
    struct stat status, found;
    if (lstat(first, &status) != 0) { return Outcome::at_source(errno); }
    if (lstat(target, &found) == 0) {
        if (S_ISDIR(found.st_mode)) { return Outcome::target(EISDIR); }
        if (found.st_dev == status.st_dev && found.st_ino == status.st_ino) {
            return {End::present, 0, false};
        }
    }
    const Temporary temporary = temporary_of(item);
    temporary.remove();
    int error = linkat(AT_FDCWD, first, AT_FDCWD, temporary.path(), 0) == 0 ? 0 : errno;
    if (error == 0 && rename(temporary.path(), target) != 0) { error = errno; }
    if (error == 0) { return Outcome(); }
    temporary.remove();
    return Outcome::target(error);
}

Outcome finish_folder(const Item& item) noexcept {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const char* const source = g_work.area->source(item);
    const Fd from(open(source, kFlags));
    struct stat status;
    const int looked = from.is_open() ? fstat(from.get(), &status) : lstat(source, &status);
    if (looked != 0) { return Outcome::at_source(errno); }
    Fd to(open(g_work.area->target(item), kFlags));
    if (!to.is_open()) { return Outcome::target(errno); }
    int error = put_metadata(from.get(), to.get(), status);
    if (error == 0 && g_work.options->fsync && fsync(to.get()) != 0) { error = errno; }
    return error == 0 ? Outcome() : Outcome::target(error);
}

}  // namespace tool::copy
