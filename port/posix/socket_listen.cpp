// Sockets: listening, and the files by which those of AF_UNIX are found.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <port/port.hpp>

#include "errors.hpp"
#include "socket_make.hpp"
#include "umask.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// A lock that ends with its process: record locks on a file beside the socket's. Who holds it
// removes that file, so who gets it must see that it still is the one by that name.
class FileLock {
public:
    explicit FileLock(const char* path) noexcept {
        std::size_t at = 0;
        for (; path[at] != '\0'; ++at) { path_[at] = path[at]; }
        __builtin_memcpy(path_ + at, kSuffix, sizeof(kSuffix));
        constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
        const detail::ExactMode exact(0600);
        do { fd_ = ::open(path_, kFlags, 0600); } while (fd_ < 0 && errno == EINTR);
        if (fd_ < 0) {
            error_ = errno;
        } else if (!lock() || !is_by_that_name()) {
            error_ = EADDRINUSE;  // Another is about to do the same.
        }
    }
    ~FileLock() noexcept {
        if (error_ == 0) { (void)::unlink(path_); }
        close(fd_);
    }
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    /// 0: it is held.
    int error() const noexcept { return error_; }

private:
    static constexpr char kSuffix[] = ".lock";

    bool lock() const noexcept {
        struct flock whole = {};
        whole.l_type = F_WRLCK;
        whole.l_whence = SEEK_SET;
        return ::fcntl(fd_, F_SETLK, &whole) == 0;
    }
    bool is_by_that_name() const noexcept {
        struct stat held = {}, named = {};
        return ::fstat(fd_, &held) == 0 && ::lstat(path_, &named) == 0 &&
               held.st_dev == named.st_dev && held.st_ino == named.st_ino;
    }

    char path_[Address::kBytes + sizeof(kSuffix)];
    Fd fd_ = kNoFd;
    int error_ = 0;
};

// Whether nobody listens there. A listener whose backlog is full lives: Linux says EAGAIN to that.
// (Some systems of BSD's refuse then, too: there, a busy listener may pass for a dead one.)
bool is_refused(const Address& address) noexcept {
    detail::SocketName name;
    socklen_t bytes = 0;
    if (!detail::name_of(address, name, bytes).ok()) { return false; }
    const Fd fd = detail::new_socket(AF_UNIX);
    if (fd < 0) { return false; }
    const bool refused = ::connect(fd, &name.any, bytes) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

// What tells the socket by that name from others. Errors: not_found, address_in_use (no socket).
Status socket_file(const char* path, ObjectIdentity& identity) noexcept {
    struct stat found = {};
    if (::lstat(path, &found) != 0) { return detail::last_error(); }
    if (!S_ISSOCK(found.st_mode)) { return Errc::address_in_use; }
    identity.device = static_cast<std::uint64_t>(found.st_dev);
    identity.number = static_cast<std::uint64_t>(found.st_ino);
    return {};
}

// Removes the file at a unix_path if it is a socket's on which nobody listens. With the lock.
Status remove_stale(const Address& address) noexcept {
    ObjectIdentity before, now;
    const Status is_there = socket_file(address.path(), before);
    if (!is_there.ok()) { return is_there; }
    if (!is_refused(address)) { return Errc::address_in_use; }
    // Programs that heed no lock may have put another in its place since.
    const Status is_same = socket_file(address.path(), now);
    if (!is_same.ok()) { return is_same; }
    if (!(before == now)) { return Errc::address_in_use; }
    if (::unlink(address.path()) != 0) { return detail::last_error(); }
    return {};
}

// As Python: a port may be taken again while connections of the last listener fade out.
void take_again(Fd fd) noexcept {
    const int on = 1;
    (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

Status bind_to(Fd fd, const detail::SocketName& name, socklen_t bytes) noexcept {
    if (::bind(fd, &name.any, bytes) != 0) { return detail::last_error(); }
    return {};
}

Status start_listening(Fd fd, std::uint32_t backlog) noexcept {
    const int most = backlog < 0x7fffffffu ? static_cast<int>(backlog) : 0x7fffffff;
    if (::listen(fd, most) != 0) { return detail::last_error(); }
    return {};
}

// Between bind() and listen() a file looks like that of a dead listener: so who makes one holds the
// lock, and so does who removes one.
Status listen_at_file(Fd fd, const Address& address, const detail::SocketName& name,
                      socklen_t bytes, const ListenPlan& plan, ObjectIdentity& file) noexcept {
    const FileLock lock(address.path());
    if (lock.error() != 0) { return detail::error_of(lock.error()); }
    const auto bind_file = [&] {
        const detail::ExactMode exact(static_cast<mode_t>(plan.mode));
        return bind_to(fd, name, bytes);
    };
    Status status = bind_file();
    if (status.code() == Errc::address_in_use && plan.replaces_stale) {
        const Status removed = remove_stale(address);
        if (!removed.ok() && removed.code() != Errc::not_found) { return removed; }
        status = bind_file();
    }
    if (!status.ok()) { return status; }
    // If killed here: the file is there, and nobody listens.
    status = socket_file(address.path(), file);
    if (status.ok()) { status = start_listening(fd, plan.backlog); }
    if (!status.ok()) { socket_remove(address, file); }
    return status;
}

Status listen_anywhere(Fd fd, Address& address, const detail::SocketName& wanted,
                       socklen_t wanted_bytes, const ListenPlan& plan) noexcept {
    if (wanted.any.sa_family != AF_UNIX) { take_again(fd); }
    Status status = bind_to(fd, wanted, wanted_bytes);
    if (status.ok()) { status = start_listening(fd, plan.backlog); }
    if (!status.ok()) { return status; }
    detail::SocketName name = {};
    socklen_t bytes = sizeof(name);
    if (::getsockname(fd, &name.any, &bytes) != 0) { return detail::last_error(); }
    address = detail::address_of(name, bytes);
    return {};
}

}  // namespace

Result<Fd> socket_listen(Address& address, const ListenPlan& plan, ObjectIdentity& file) noexcept {
    detail::SocketName name;
    socklen_t bytes = 0;
    const Status good = detail::name_of(address, name, bytes);
    if (!good.ok()) { return good.error(); }
    const Fd fd = detail::new_socket(name.any.sa_family);
    if (fd < 0) { return detail::last_error(); }
    const bool is_file = address.family() == Address::Family::unix_path;
    const Status listening = is_file ? listen_at_file(fd, address, name, bytes, plan, file)
                                     : listen_anywhere(fd, address, name, bytes, plan);
    if (listening.ok()) { return fd; }
    close(fd);
    return listening.error();
}

void socket_remove(const Address& address, const ObjectIdentity& file) noexcept {
    ObjectIdentity found;
    const bool is_there = socket_file(address.path(), found).ok();
    if (is_there && found == file) { (void)::unlink(address.path()); }
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
