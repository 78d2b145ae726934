// Reading the limits that control groups set, versions 1 and 2.
#include "cgroup.hpp"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "calls.hpp"

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

// What follows `start` in `text`; null if `text` does not begin with it.
const char* behind(const char* text, const char* start) noexcept {
    for (; *start != '\0'; ++text, ++start) {
        if (*text != *start) { return nullptr; }
    }
    return text;
}

// Whether `word` is one of the comma-separated words from `list` up to a colon.
bool lists(const char* list, const char* word) noexcept {
    for (;; ++list) {
        const char* const end = behind(list, word);
        if (end != nullptr && (*end == ',' || *end == ':')) { return true; }
        while (*list != ',' && *list != ':') { ++list; }
        if (*list == ':') { return false; }
    }
}

// What follows the next colon; null if there is none.
const char* behind_colon(const char* text) noexcept {
    while (*text != ':') {
        if (*text++ == '\0') { return nullptr; }
    }
    return text + 1;
}

}  // namespace

LineReader::LineReader(const char* path) noexcept : fd_(kNoFd) {
    do { fd_ = open_file(path, O_RDONLY); } while (fd_ < 0 && errno == EINTR);
    at_end_ = fd_ < 0;
}

LineReader::~LineReader() noexcept {
    close(fd_);
}

// Moves what is left to the front and reads behind it, leaving room for a terminator.
bool LineReader::fill() noexcept {
    __builtin_memmove(buffer_, buffer_ + begin_, end_ - begin_);
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
        std::size_t stop = begin_;
        while (stop < end_ && buffer_[stop] != '\n') { ++stop; }
        if (stop < end_ || at_end_) {
            if (begin_ == end_) { return nullptr; }
            buffer_[stop] = '\0';
            begin_ = stop < end_ ? stop + 1 : end_;
            if (!skip) { return line; }
            skip = false;
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
    LineReader lines(path);
    while (const char* const line = lines.next()) {
        const char* text = behind(line, key);
        if (text == nullptr) { continue; }
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
    place("", "");
    LineReader lines("/proc/self/cgroup");
    while (const char* const line = lines.next()) {
        const char* const list = behind_colon(line);
        const char* const group = list != nullptr ? behind_colon(list) : nullptr;
        if (group == nullptr) { continue; }
        is_v1_ = lists(list, controller);
        if (is_v1_) {
            place(controller, group);
            break;
        }
        if (behind(line, "0::") != nullptr) { place("", group); }
    }
}

// A line is shorter than the path may be, by more than what comes before and behind it.
static_assert(sizeof(LineReader) + 2 * kFileNameMax <= sizeof(Cgroup));

void Cgroup::append(const char* text) noexcept {
    while (*text != '\0') { path_[length_++] = *text++; }
    path_[length_] = '\0';
}

void Cgroup::place(const char* controller, const char* group) noexcept {
    length_ = 0;
    append("/sys/fs/cgroup");
    if (is_v1_) { append("/"); }
    append(controller);
    root_length_ = length_;
    append(group);
    if (path_[length_ - 1] == '/') { --length_; }  // The root group is "/".
}

bool Cgroup::up() noexcept {
    if (length_ <= root_length_) { return false; }
    do { --length_; } while (path_[length_] != '/');
    path_[length_] = '\0';
    return true;
}

const char* Cgroup::path_of(const char* file) noexcept {
    const std::size_t length = length_;
    append("/");
    append(file);
    length_ = length;
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
