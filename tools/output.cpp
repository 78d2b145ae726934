#include <tools/output.hpp>

#include <errno.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>

#include <brood/signals.hpp>
#include <tools/command.hpp>
#include <tools/stop.hpp>
#include <tools/sum_format.hpp>

namespace tool {

Output::Output(const char* command, Progress& progress) noexcept
    : command_(command), progress_(progress), on_terminal_(isatty(STDOUT_FILENO) != 0) {}

void Output::write(const char* text, std::size_t length) noexcept {
    if (length > sizeof buffer_ - held_) { flush(); }
    if (failed()) { return; }
    std::memcpy(buffer_ + held_, text, length);
    held_ += length;
}

void Output::flush() noexcept {
    if (held_ > 0 && on_terminal_) { progress_.hide(); }
    std::size_t written = 0;
    while (written < held_ && !failed() && stop_signal() == 0) {
        const ssize_t count = ::write(STDOUT_FILENO, buffer_ + written, held_ - written);
        if (count >= 0) {
            written += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            error_ = errno;
        }
    }
    held_ = 0;
}

bool Output::finish() noexcept {
    flush();
    if (!failed()) { return true; }
    if (stop_signal() == 0) { complain("write error", error_); }
    return false;
}

void Output::complain(const char* path, const char* what) noexcept {
    status_ = kFailure;
    note(path, what);
}

void Output::note(const char* path, const char* what) noexcept {
    char name[kLineBytes];
    char text[kLineBytes + 512];
    std::snprintf(text, sizeof text, "%s: %s", format_name(name, sizeof name, path), what);
    say(text);
}

void Output::complain(const char* path, int error) noexcept {
    complain(path, std::strerror(error));
}

void Output::complain_of_death(const char* path, int exit_code) noexcept {
    char text[80];
    if (exit_code < 0) {
        std::snprintf(text, sizeof text, "worker died (%s) twice",
                      brood::signals::name(-exit_code));
    } else {
        std::snprintf(text, sizeof text, "worker died (exit code %d) twice", exit_code);
    }
    complain(path, text);
}

void Output::warn(const char* format, ...) noexcept {
    char text[512] = "WARNING: ";
    const std::size_t length = std::strlen(text);
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text + length, sizeof text - length, format, arguments);
    va_end(arguments);
    say(text);
}

void Output::say(const char* text) noexcept {
    // On a terminal the results come first, as they did before the complaint.
    if (on_terminal_) { flush(); }
    progress_.hide();
    std::fprintf(stderr, "%s: %s\n", command_, text);
}

}  // namespace tool
