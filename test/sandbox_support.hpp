// What tests do without: a child refuses itself a system call by a seccomp filter.
#ifndef BROOD_TEST_SANDBOX_SUPPORT_HPP
#define BROOD_TEST_SANDBOX_SUPPORT_HPP

#include "support.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace test {

// A call, or that call with any of some flags in one argument, and the errno it shall fail with.
struct Refusal {
    const char* name;
    long number;
    int error;
    int argument = -1;
    std::uint32_t flags = 0;
};

// In children, where cmocka's assertions must not be used.
#define REQUIRE(condition)                                             \
    do {                                                               \
        if (!(condition)) {                                            \
            dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            return 1;                                                  \
        }                                                              \
    } while (0)

inline bool refuse(const Refusal& refusal) {
    const bool is_little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    const auto number = static_cast<std::uint32_t>(refusal.number);
    const auto number_at = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
    const std::uint32_t argument =
        refusal.argument < 0 ? 0 : static_cast<std::uint32_t>(refusal.argument);
    const auto argument_at = static_cast<std::uint32_t>(offsetof(seccomp_data, args)) +
                             argument * 8 + (is_little ? 0 : 4);
    const unsigned char no_flags = refusal.argument < 0 ? 2 : 0;  // Jumps over the look at them.
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number_at),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, no_flags, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument_at),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, refusal.flags, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(refusal.error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

// With arguments that no kernel takes for good, were it to look at them: -1 for each, but for the
// one that the filter looks at.
inline bool is_refused(const Refusal& refusal) {
    long a[6] = {-1, -1, -1, -1, -1, -1};
    if (refusal.argument >= 0) { a[refusal.argument] = static_cast<long>(refusal.flags); }
    errno = 0;
    return syscall(refusal.number, a[0], a[1], a[2], a[3], a[4], a[5]) == -1 &&
           errno == refusal.error;
}

inline constexpr int kNoFilters = 99;

// What `check` says in a child that is refused the call.
template <class Check>
void expect(const Refusal& refusal, Check check) {
    const int code = run_child([&] {
        if (!refuse(refusal)) { return kNoFilters; }
        REQUIRE(is_refused(refusal));
        for (int round = 0; round < 2; ++round) {
            const int result = check();
            if (result != 0) { return result; }
        }
        return 0;
    });
    if (code == kNoFilters) {
        not_run(refusal.name, "no seccomp filters here");
    } else if (code != 0) {
        fail_msg("without %s (errno %d): %d", refusal.name, refusal.error, code);
    }
}

template <class Check>
void without(const char* name, long number, Check check) {
    expect({name, number, ENOSYS}, check);
    expect({name, number, EPERM}, check);
}

}  // namespace test

#endif
