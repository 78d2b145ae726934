// Arguments of system calls, in the words that a manual page has for them.
#include "call.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include <port/port.hpp>

namespace traced {
namespace {

struct Word {
    long value;
    const char* name;
};

constexpr Word kOpen[] = {{O_CREAT, "O_CREAT"},         {O_EXCL, "O_EXCL"},
                          {O_TRUNC, "O_TRUNC"},         {O_APPEND, "O_APPEND"},
                          {O_NONBLOCK, "O_NONBLOCK"},   {O_NOFOLLOW, "O_NOFOLLOW"},
                          {O_DIRECTORY, "O_DIRECTORY"}, {O_CLOEXEC, "O_CLOEXEC"}};
constexpr Word kMap[] = {{MAP_SHARED, "MAP_SHARED"},       {MAP_PRIVATE, "MAP_PRIVATE"},
                         {MAP_ANONYMOUS, "MAP_ANONYMOUS"}, {MAP_NORESERVE, "MAP_NORESERVE"},
                         {MAP_FIXED, "MAP_FIXED"},         {MAP_STACK, "MAP_STACK"}};
constexpr Word kAdvice[] = {{MADV_DONTNEED, "MADV_DONTNEED"},
                            {MADV_REMOVE, "MADV_REMOVE"},
                            {MADV_DONTDUMP, "MADV_DONTDUMP"},
                            {MADV_WIPEONFORK, "MADV_WIPEONFORK"},
                            {MADV_POPULATE_WRITE, "MADV_POPULATE_WRITE"}};
constexpr Word kCommands[] = {
    {F_GETFD, "F_GETFD"},   {F_SETFD, "F_SETFD"},   {F_GETFL, "F_GETFL"},
    {F_SETFL, "F_SETFL"},   {F_GETLK, "F_GETLK"},   {F_SETLK, "F_SETLK"},
    {F_SETLKW, "F_SETLKW"}, {F_GETOWN, "F_GETOWN"}, {F_SETOWN, "F_SETOWN"},
    {F_SETSIG, "F_SETSIG"}, {F_GETSIG, "F_GETSIG"}, {F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"},
    {1033, "F_ADD_SEALS"},  {1034, "F_GET_SEALS"}};
// Those of the core; from <linux/futex.h>, <linux/membarrier.h>, <linux/wait.h>.
constexpr Word kFutex[] = {
    {0, "FUTEX_WAIT"}, {1, "FUTEX_WAKE"}, {9, "FUTEX_WAIT_BITSET"}, {10, "FUTEX_WAKE_BITSET"}};
constexpr Word kIds[] = {{P_ALL, "P_ALL"}, {P_PID, "P_PID"}, {P_PGID, "P_PGID"}, {3, "P_PIDFD"}};
constexpr Word kWait[] = {
    {WNOHANG, "WNOHANG"}, {WSTOPPED, "WSTOPPED"}, {WEXITED, "WEXITED"}, {WNOWAIT, "WNOWAIT"}};
constexpr Word kHow[] = {
    {SIG_BLOCK, "SIG_BLOCK"}, {SIG_UNBLOCK, "SIG_UNBLOCK"}, {SIG_SETMASK, "SIG_SETMASK"}};
constexpr Word kClone[] = {{CLONE_VM, "CLONE_VM"}, {CLONE_VFORK, "CLONE_VFORK"}};
constexpr Word kControl[] = {{PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"},
                             {PR_GET_CHILD_SUBREAPER, "PR_GET_CHILD_SUBREAPER"}};
constexpr Word kBarrier[] = {{0, "MEMBARRIER_CMD_QUERY"},
                             {2, "MEMBARRIER_CMD_GLOBAL_EXPEDITED"},
                             {4, "MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED"}};

template <std::size_t N>
void word(Line& line, const Word (&words)[N], long value) noexcept {
    for (const Word& one : words) {
        if (one.value == value) {
            line.text(one.name);
            return;
        }
    }
    line.number(value);
}

template <std::size_t N>
void flags(Line& line, const Word (&words)[N], long value, const char* before = "") noexcept {
    for (const Word& one : words) {
        if (one.value == 0 || (value & one.value) != one.value) { continue; }
        line.text(before).text(one.name);
        before = "|";
        value &= ~one.value;
    }
    if (value != 0 || *before == '\0') { line.text(before).hex(static_cast<unsigned long>(value)); }
}

void open_flags(Line& line, long value) noexcept {
    const long access = value & O_ACCMODE;
    line.text(access == O_RDONLY ? "O_RDONLY" : access == O_WRONLY ? "O_WRONLY" : "O_RDWR");
#ifdef O_LARGEFILE
    value &= ~static_cast<long>(O_LARGEFILE);
#endif
    value &= ~static_cast<long>(O_ACCMODE);
    if (value != 0) { flags(line, kOpen, value, "|"); }
}

void protection(Line& line, long value) noexcept {
    line.text(value == PROT_NONE          ? "PROT_NONE"
              : (value & PROT_WRITE) != 0 ? "PROT_READ|PROT_WRITE"
                                          : "PROT_READ");
}

void signal_word(Line& line, long signal) noexcept {
    if (signal <= 0) {
        line.number(signal);
        return;
    }
    line.text(brood::port::signal_name(static_cast<std::int32_t>(signal)));
}

void deadline(Line& line, long address) noexcept {
    if (address == 0) {
        line.text("NULL");
        return;
    }
    const auto& time = *reinterpret_cast<const timespec*>(address);
    line.text("{").seconds(std::int64_t{time.tv_sec} * 1000000000 + time.tv_nsec, 9).text("}");
}

void child(Line& line, long address, bool has_ended) noexcept {
    const auto* const info = reinterpret_cast<const siginfo_t*>(address);
    if (!has_ended || info == nullptr) {
        line.text(info == nullptr ? "NULL" : "{}");
        return;
    }
    if (info->si_pid == 0) {
        line.text("{}");
        return;
    }
    const bool has_exited = info->si_code == CLD_EXITED;
    line.text("{pid ").number(info->si_pid).text(has_exited ? " exited " : " killed by ");
    if (has_exited) {
        line.number(info->si_status);
    } else {
        signal_word(line, info->si_status);
    }
    line.text("}");
}

void items(Line& line, long address, long count, bool has_ended) noexcept {
    constexpr long kShown = 4;
    const auto* const list = reinterpret_cast<const pollfd*>(address);
    line.text("[");
    for (long i = 0; i < count && i < kShown; ++i) {
        line.text(i > 0 ? ", " : "").number(list[i].fd);
        if (has_ended && list[i].revents != 0) { line.text(" ready"); }
    }
    line.text(count > kShown ? ", ...]" : "]");
}

// struct futex_waitv: 8 bytes expected, 8 address, 4 flags, 4 nothing.
void waited_words(Line& line, long address, long count) noexcept {
    constexpr long kShown = 3;
    const auto* const numbers = reinterpret_cast<const std::uint64_t*>(address);
    line.text("[");
    for (long i = 0; i < count && i < kShown; ++i) {
        line.text(i > 0 ? ", " : "").hex(numbers[3 * i + 1]);
    }
    line.text(count > kShown ? ", ...]" : "]");
}

}  // namespace

void show_argument(Line& line, char letter, long value, long next, bool has_ended) noexcept {
    const auto bits = static_cast<unsigned long>(value);
    switch (letter) {
        case 'i': line.number(static_cast<int>(value)); break;
        case 'u': line.number(value); break;
        case 'x': line.hex(bits); break;
        case 's': line.quoted(reinterpret_cast<const char*>(value)); break;
        case 'o': line.octal(bits); break;
        case '@': line.text("AT_FDCWD"); break;
        case 'O': open_flags(line, value); break;
        case 'P': protection(line, value); break;
        case 'M': flags(line, kMap, value); break;
        case 'A': word(line, kAdvice, value); break;
        case 'C': word(line, kCommands, value); break;
        case 'F': word(line, kFutex, value); break;
        case 'W': waited_words(line, value, next); break;
        case 'T': deadline(line, value); break;
        case 'H': word(line, kHow, value); break;
        case 'S': signal_word(line, value); break;
        case 'K': word(line, kIds, value); break;
        case 'E': flags(line, kWait, value); break;
        case 'I': child(line, value, has_ended); break;
        case 'G':
            flags(line, kClone, value & (CLONE_VM | CLONE_VFORK));
            line.text((value & 0xff) == SIGCHLD ? "|SIGCHLD" : "");
            break;
        case 'V': items(line, value, next, has_ended); break;
        case 'c': word(line, kControl, value); break;
        case 'b': word(line, kBarrier, value); break;
        default:
            if (value == 0) {
                line.text("NULL");
            } else {
                line.hex(bits);
            }
    }
}

}  // namespace traced
