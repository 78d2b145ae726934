// What the tests of processes share: ends of children, life and death of strangers, pid namespaces.
#ifndef BROOD_TEST_PROCESS_SUPPORT_HPP
#define BROOD_TEST_PROCESS_SUPPORT_HPP

#include "channel_support.hpp"

#include <atomic>
#include <cstdlib>

#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <brood/process.hpp>
#include <port/port.hpp>

namespace test {

/// Whether this is the strict POSIX port, which keeps some promises in a weaker form.
inline bool is_posix_port() {
    return strcmp(brood::port::kName, "posix") == 0;
}

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
inline constexpr bool kSanitized = true;
#elif defined __has_feature
inline constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif
/// A fork of a sanitized program takes milliseconds: then a fifth of the forks must do.
inline constexpr int kForkShare = kSanitized ? 5 : 1;

/// Joins within the test's patience: the exit code. A child that does not end is killed.
inline int end_of(brood::Process& process) {
    const brood::Status joined = process.join(kLong);
    if (joined.code() == brood::Errc::timed_out) {
        process.kill().ignore();
        process.join().ignore();
    }
    assert_ok(joined);
    const brood::Result<int> code = process.exit_code();
    assert_ok(code);
    return *code;
}

/// Starts it and waits for its end: the exit code.
inline int run_to_end(brood::Process& process) {
    assert_ok(process.start());
    return end_of(process);
}

/// How many zombies have `parent` as their parent.
inline int zombies_of(pid_t parent) {
    int count = 0;
    DIR* const dir = opendir("/proc");
    while (const dirent* entry = dir != nullptr ? readdir(dir) : nullptr) {
        char path[300], state = '\0';
        int found = 0;
        std::snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        FILE* const file =
            entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? std::fopen(path, "r") : nullptr;
        if (file == nullptr) { continue; }
        const int read = std::fscanf(file, "%*d (%*[^)]) %c %d", &state, &found);
        std::fclose(file);
        if (read == 2 && state == 'Z' && found == parent) { ++count; }
    }
    if (dir != nullptr) { closedir(dir); }
    return count;
}

/// Runs `body` as the first process of a pid namespace: its exit code, or kNoNamespace.
inline constexpr int kNoNamespace = 78;
template <class F>
int run_as_pid_1(F body) {
    return run_child([&] {
        if (unshare(CLONE_NEWPID) != 0) { return kNoNamespace; }
        const pid_t first = fork();
        if (first == 0) { _exit(body()); }
        int status = 0;
        while (waitpid(first, &status, 0) < 0 && errno == EINTR) {}
        return WIFEXITED(status) ? WEXITSTATUS(status) : 97;
    });
}

/// A process with the pid `pid`, whoever had it before. It counts until it is killed.
inline pid_t reuse_pid(pid_t pid, std::atomic<int>& beats) {
    struct {
        std::uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls,
            set_tid, set_tid_size;
    } arguments = {};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<std::uintptr_t>(&pid);  // No sign becomes part of it.
    arguments.set_tid_size = 1;
    const pid_t made = static_cast<pid_t>(syscall(435 /* clone3 */, &arguments, sizeof(arguments)));
    while (made == 0) {
        beats.fetch_add(1);
        test::sleep_ms(1);
    }
    return made;
}

}  // namespace test

#endif
