// BROOD_TRACE=1: to standard error; BROOD_TRACE=FILE: to the end of that file. Looked at once,
// before main; forked children go on with what their parent had.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <port/port.hpp>

#include "line.hpp"
#include "symbols.hpp"

namespace traced {

bool g_is_on = false;
int g_fd = -1;

namespace {

// Out of the way: the program's own descriptors have the numbers that they have without a trace.
constexpr int kHigh = 1000;

int move_up(int fd) noexcept {
    const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, kHigh);
    return high >= 0 ? high : ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

int open_trace(const char* where) noexcept {
    if (where[0] == '1' && where[1] == '\0') { return move_up(STDERR_FILENO); }
    const int file = ::open(where, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    const int fd = file >= 0 ? move_up(file) : -1;
    if (file >= 0) { ::close(file); }
    return fd;
}

[[gnu::constructor(101)]] void begin() noexcept {
    const char* const where = ::getenv("BROOD_TRACE");
    if (where == nullptr || where[0] == '\0') { return; }
    g_fd = open_trace(where);
    if (g_fd < 0) {
        constexpr char kText[] = "brood: the file that BROOD_TRACE names cannot be written\n";
        brood::port::print_error(kText, sizeof(kText) - 1);
        return;
    }
    load_symbols();
    Line(now()).text("-- begins ").quoted(program_invocation_short_name).write();
    g_is_on = true;
}

// Not reached by who is killed, or ends by _exit().
[[gnu::destructor(101)]] void end() noexcept {
    if (is_on()) { Line(now()).text("-- ends").write(); }
}

}  // namespace
}  // namespace traced
