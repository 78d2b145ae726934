#include <tools/run/arguments.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tool::run {

bool Arguments::open(const char* path, bool by_nul) noexcept {
    delimiter_ = by_nul ? '\0' : '\n';
    if (path == nullptr || std::strcmp(path, "-") == 0) {
        path_ = "standard input";
        fd_ = STDIN_FILENO;
        return true;
    }
    path_ = path;
    fd_ = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd_ >= 0) { return true; }
    static_cast<void>(complain(std::strerror(errno)));
    return false;
}

Arguments::Next Arguments::complain(const char* what) noexcept {
    std::fprintf(stderr, "brood run: %s: %s\n", path_, what);
    failed_ = true;
    return Next::failed;
}

Arguments::Next Arguments::next(const char*& item) noexcept {
    if (failed_) { return Next::failed; }
    char* const first = text_ + begin_;
    char* const found =
        static_cast<char*>(std::memchr(text_ + searched_, delimiter_, end_ - searched_));
    searched_ = end_;
    if (found == nullptr && !at_end_) {
        if (end_ - begin_ < kItemMax) { return Next::wait; }
        return complain("an argument is too long");
    }
    if (found == nullptr && begin_ == end_) { return Next::end; }
    char* const end = found != nullptr ? found : text_ + end_;
    *end = '\0';
    begin_ = searched_ = static_cast<std::size_t>(end - text_) + (found != nullptr ? 1 : 0);
    ++count_;
    if (delimiter_ != '\0' && std::memchr(first, '\0', static_cast<std::size_t>(end - first))) {
        char what[80];
        std::snprintf(what, sizeof what, "line %llu holds a NUL byte: use -0?",
                      static_cast<unsigned long long>(count_));
        return complain(what);
    }
    item = first;
    return Next::item;
}

void Arguments::read() noexcept {
    if (begin_ > 0) {
        std::memmove(text_, text_ + begin_, end_ - begin_);
        end_ -= begin_;
        searched_ -= begin_;
        begin_ = 0;
    }
    const ssize_t got = ::read(fd_, text_ + end_, kItemMax - end_);
    if (got > 0) {
        end_ += static_cast<std::size_t>(got);
    } else if (got == 0) {
        at_end_ = true;
    } else if (errno != EINTR && errno != EAGAIN) {
        static_cast<void>(complain(std::strerror(errno)));
    }
}

}  // namespace tool::run
