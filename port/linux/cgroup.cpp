// Reading the limits that control groups set, versions 1 and 2.
#include "cgroup.hpp"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

namespace brood::port::detail {
namespace {

constexpr std::size_t kFileNameMax = 64;

// Reads digits and moves `text` behind them; "max" and negative numbers are kNoLimit.
bool take_number(const char*& text, std::uint64_t& value) noexcept {
    while (*text == ' ') { ++text; }
    if (*text == 'm' || *text == '-') {
        while (*text != '\0' && *text != ' ') { ++text; }
        value = Cgroup::kNoLimit;
        return true;
    }
    if (*text < '0' || *text > '9') { return false; }
    for (value = 0; *text >= '0' && *text <= '9'; ++text) {
        value = value * 10 + static_cast<std::uint64_t>(*text - '0');
    }
    return true;
}

// Whether `word` is one of the comma-separated words from `list` up to `end`.
bool lists(const char* list, const char* end, const char* word) noexcept {
    const std::size_t length = ::strlen(word);
    for (const char* item = list; item < end;) {
        const auto* stop =
            static_cast<const char*>(::memchr(item, ',', static_cast<std::size_t>(end - item)));
        if (stop == nullptr) { stop = end; }
        if (static_cast<std::size_t>(stop - item) == length && ::memcmp(item, word, length) == 0) {
            return true;
        }
        item = stop + 1;
    }
    return false;
}

}  // namespace

LineReader::LineReader(const char* path) noexcept : fd_(kNoFd) {
    while ((fd_ = ::open(path, O_RDONLY | O_CLOEXEC)) < 0 && errno == EINTR) {}
    at_end_ = fd_ < 0;
}

LineReader::~LineReader() noexcept {
    close(fd_);
}

// Moves what is left to the front and reads behind it, leaving room for a terminator.
bool LineReader::fill() noexcept {
    ::memmove(buffer_, buffer_ + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    const Result<std::size_t> count = read(fd_, buffer_ + end_, sizeof(buffer_) - 1 - end_);
    if (!count || *count == 0) { return false; }
    end_ += *count;
    return true;
}

const char* LineReader::next() noexcept {
    for (bool skip = false;;) {
        char* const line = buffer_ + begin_;
        auto* const stop = static_cast<char*>(::memchr(line, '\n', end_ - begin_));
        if (stop != nullptr) {
            *stop = '\0';
            begin_ = static_cast<std::size_t>(stop - buffer_) + 1;
            if (!skip) { return line; }
            skip = false;
        } else if (at_end_) {
            if (begin_ == end_ || skip) { return nullptr; }
            buffer_[end_] = '\0';
            begin_ = end_;
            return line;
        } else {
            if (end_ - begin_ == sizeof(buffer_) - 1) {  // Too long: drop what there is of it.
                skip = true;
                begin_ = end_;
            }
            at_end_ = !fill();
        }
    }
}

std::uint64_t entry_of(const char* path, const char* key) noexcept {
    const std::size_t length = ::strlen(key);
    LineReader lines(path);
    while (const char* const line = lines.next()) {
        if (::strncmp(line, key, length) != 0) { continue; }
        const char* text = line + length;
        if (*text == ':') { ++text; }
        if (*text != ' ') { continue; }
        std::uint64_t value = 0;
        return take_number(text, value) ? value : 0;
    }
    return 0;
}

// The lines are "number:controllers:path". Version 2 is "0::path", and has the controller if no
// hierarchy of version 1 does. The mount points are where every distribution has them.
Cgroup::Cgroup(const char* controller) noexcept {
    char group[sizeof(path_) - 2 * kFileNameMax] = "/";
    LineReader lines("/proc/self/cgroup");
    while (const char* const line = lines.next()) {
        const char* const list = ::strchr(line, ':');
        const char* const end = list != nullptr ? ::strchr(list + 1, ':') : nullptr;
        if (end == nullptr) { continue; }
        const bool is_v2 = line[0] == '0' && end == list + 1;
        const bool found = lists(list + 1, end, controller);
        if (!found && (!is_v2 || is_v1_)) { continue; }
        if (::strlen(end + 1) >= sizeof(group)) { continue; }
        ::strcpy(group, end + 1);
        is_v1_ = found;
        if (found) { break; }
    }
    ::strcpy(path_, "/sys/fs/cgroup");
    if (is_v1_) { ::strcat(::strcat(path_, "/"), controller); }
    root_length_ = ::strlen(path_);
    if (::strcmp(group, "/") != 0) { ::strcat(path_, group); }
    length_ = ::strlen(path_);
}

bool Cgroup::up() noexcept {
    if (length_ <= root_length_) { return false; }
    do { --length_; } while (path_[length_] != '/');
    path_[length_] = '\0';
    return true;
}

const char* Cgroup::path_of(const char* file) noexcept {
    path_[length_] = '/';
    ::strcpy(path_ + length_ + 1, file);
    return path_;
}

std::uint64_t Cgroup::number(const char* file, int index, std::uint64_t otherwise) noexcept {
    LineReader lines(path_of(file));
    const char* text = lines.next();
    std::uint64_t value = otherwise;
    for (int place = 0; place <= index; ++place) {
        if (text == nullptr || !take_number(text, value)) { return otherwise; }
    }
    return value;
}

std::uint64_t Cgroup::entry(const char* file, const char* key) noexcept {
    return entry_of(path_of(file), key);
}

}  // namespace brood::port::detail
