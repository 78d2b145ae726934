#include <tools/run/output.hpp>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tool::run {
namespace {

constexpr std::size_t kPieceBytes = 65536;
char g_piece[kPieceBytes];  // What is under way between two descriptors.

/// An open file in TMPDIR, or /tmp, that has no name any more.
int open_nameless() noexcept {
    const char* const given = std::getenv("TMPDIR");
    char path[PATH_MAX];
    const int length = std::snprintf(path, sizeof path, "%s/brood-run-XXXXXX",
                                     given != nullptr && *given != '\0' ? given : "/tmp");
    if (length < 0 || static_cast<std::size_t>(length) >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    const int fd = mkostemp(path, O_CLOEXEC);
    // If killed here: an empty file with that name stays.
    if (fd >= 0) { unlink(path); }
    return fd;
}

bool is_ready(int fd, short events) noexcept {
    pollfd item = {fd, events, 0};
    return poll(&item, 1, 0) > 0;
}

}  // namespace

// ---- Held ------------------------------------------------------------------------------------

Held::~Held() {
    std::free(memory_);
    if (file_ >= 0) { close(file_); }
}

bool Held::write_to_file(const char* text, std::size_t bytes) noexcept {
    if (file_ < 0) { file_ = open_nameless(); }
    while (file_ >= 0 && bytes > 0) {
        const ssize_t written = pwrite(file_, text, bytes, static_cast<off_t>(filed_));
        if (written < 0 && errno == EINTR) { continue; }
        if (written <= 0) { return false; }
        text += written;
        bytes -= static_cast<std::size_t>(written);
        filed_ += static_cast<std::uint64_t>(written);
    }
    return file_ >= 0;
}

bool Held::append(const char* text, std::size_t bytes) noexcept {
    if (memory_ == nullptr) { memory_ = static_cast<char*>(std::malloc(kMemoryBytes)); }
    if (memory_ == nullptr) { return false; }
    if (in_memory_ + bytes > kMemoryBytes) {
        if (!write_to_file(memory_, in_memory_)) { return false; }
        in_memory_ = 0;
        if (bytes > kMemoryBytes) { return write_to_file(text, bytes); }
    }
    std::memcpy(memory_ + in_memory_, text, bytes);
    in_memory_ += bytes;
    return true;
}

std::ptrdiff_t Held::look(char* to, std::size_t room) noexcept {
    if (dropped_filed_ == filed_) {
        const std::size_t bytes = in_memory_ < room ? in_memory_ : room;
        if (bytes > 0) { std::memcpy(to, memory_, bytes); }
        return static_cast<std::ptrdiff_t>(bytes);
    }
    const std::uint64_t left = filed_ - dropped_filed_;
    const std::size_t bytes = left < room ? static_cast<std::size_t>(left) : room;
    ssize_t got = -1;
    do {
        got = pread(file_, to, bytes, static_cast<off_t>(dropped_filed_));
    } while (got < 0 && errno == EINTR);
    if (got == 0) { errno = EIO; }
    return got > 0 ? got : -1;
}

void Held::drop(std::size_t bytes) noexcept {
    if (dropped_filed_ < filed_) {
        dropped_filed_ += bytes;
        return;
    }
    in_memory_ -= bytes;
    std::memmove(memory_, memory_ + bytes, in_memory_);
}

void Held::clear() noexcept {
    if (filed_ > 0) {
        static_cast<void>(!ftruncate(file_, 0));
        filed_ = dropped_filed_ = 0;
    }
    in_memory_ = 0;
}

// ---- Stream ----------------------------------------------------------------------------------

int Stream::open() noexcept {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) { return -1; }
    source_ = ends[0];
    return ends[1];
}

void Stream::close() noexcept {
    if (source_ >= 0) { ::close(source_); }
    source_ = -1;
}

bool Stream::take(const char* text, std::size_t bytes, bool by_line) noexcept {
    if (!held_.append(text, bytes)) { return false; }
    received_ += bytes;
    if (by_line) {
        const void* const end = memrchr(text, '\n', bytes);
        if (end != nullptr) {
            const auto rest =
                static_cast<std::size_t>(text + bytes - static_cast<const char*>(end));
            ready_ = held_.size() - (rest - 1);
        }
    }
    return true;
}

bool Stream::read(bool by_line) noexcept {
    const ssize_t got = ::read(source_, g_piece, kPieceBytes);
    if (got > 0) { return take(g_piece, static_cast<std::size_t>(got), by_line); }
    if (got == 0 || errno != EINTR) { close(); }
    return true;
}

bool Stream::finish() noexcept {
    // Who has left the job's group may write for ever: more than a pipe holds is not the job's.
    constexpr int kPiecesMax = 1 << 20 / kPieceBytes;
    bool good = true;
    for (int i = 0; i < kPiecesMax && source_ >= 0 && good && is_ready(source_, POLLIN); ++i) {
        good = read(false);
    }
    close();
    ready_ = held_.size();
    return good;
}

bool Stream::add_line(const char* text) noexcept {
    const bool good = held_.append(text, std::strlen(text)) && held_.append("\n", 1);
    ready_ = held_.size();
    return good;
}

void Stream::reset() noexcept {
    close();
    held_.clear();
    ready_ = received_ = 0;
}

// ---- Outlet ----------------------------------------------------------------------------------

Outlet::Outlet(int fd) noexcept : fd_(fd), piece_(kPieceBytes) {
    struct stat status = {};
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) { return; }
    const long pipe_bytes = fpathconf(fd, _PC_PIPE_BUF);
    piece_ = static_cast<std::size_t>(pipe_bytes > 0 ? pipe_bytes : _POSIX_PIPE_BUF);
}

bool Outlet::takes_some() const noexcept {
    return is_ready(fd_, POLLOUT);
}

void Outlet::add(Stream& stream) noexcept {
    if (stream.is_waiting() || stream.ready_ == 0) { return; }
    stream.outlet_ = this;
    stream.next_ = nullptr;
    if (first_ == nullptr) {
        first_ = &stream;
        left_ = stream.ready_;
    } else {
        last_->next_ = &stream;
    }
    last_ = &stream;
}

void Outlet::pop() noexcept {
    Stream& done = *first_;
    first_ = done.next_;
    if (first_ != nullptr) { left_ = first_->ready_; }
    done.outlet_ = nullptr;
    if (done.held_.size() == 0) { done.held_.clear(); }
}

void Outlet::write() noexcept {
    while (first_ != nullptr) {
        if (error_ != 0) { return give_up(error_); }
        if (!takes_some()) { return; }
        const std::size_t most = left_ < piece_ ? static_cast<std::size_t>(left_) : piece_;
        const std::ptrdiff_t bytes = first_->held_.look(g_piece, most);
        if (bytes < 0) { return give_up(errno); }
        const ssize_t written = ::write(fd_, g_piece, static_cast<std::size_t>(bytes));
        if (written < 0 && (errno == EINTR || errno == EAGAIN)) { return; }
        if (written < 0) { return give_up(errno); }
        const auto done = static_cast<std::size_t>(written);
        first_->held_.drop(done);
        first_->ready_ -= done;
        left_ -= done;
        if (left_ == 0) { pop(); }
    }
}

void Outlet::give_up(int error) noexcept {
    error_ = error;
    while (first_ != nullptr) {
        first_->held_.clear();
        first_->ready_ = 0;
        pop();
    }
}

}  // namespace tool::run
