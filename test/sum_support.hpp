// What the tests of `brood sum` share: a folder to work in, and running commands there.
#ifndef BROOD_TEST_SUM_SUPPORT_HPP
#define BROOD_TEST_SUM_SUPPORT_HPP

#include "support.hpp"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace test {

/// A whole file, or "" if there is none. Text that belongs to it.
class Contents {
public:
    explicit Contents(const char* path) {
        FILE* const file = fopen(path, "re");
        if (file == nullptr) { return; }
        struct stat status = {};
        assert_int_equal(fstat(fileno(file), &status), 0);
        bytes_ = static_cast<size_t>(status.st_size);
        text_ = static_cast<char*>(calloc(bytes_ + 1, 1));
        assert_non_null(text_);
        assert_int_equal(fread(text_, 1, bytes_, file), bytes_);
        fclose(file);
    }
    ~Contents() { free(text_); }
    Contents(const Contents&) = delete;
    Contents& operator=(const Contents&) = delete;

    const char* text() const { return text_ != nullptr ? text_ : ""; }
    size_t bytes() const { return bytes_; }
    bool has(const char* part) const { return strstr(text(), part) != nullptr; }

private:
    char* text_ = nullptr;
    size_t bytes_ = 0;
};

/// For whom sums hundreds of megabytes, or writes thousands of files, beside others.
inline constexpr std::int64_t kLongWorkMs = 6 * kPatienceMs;

/// Runs a shell script in the folder of the test and returns its exit status. $BROOD is the
/// command under test.
inline int run_script(const char* script) {
    const pid_t shell = start_child([&]() -> int {
        execl("/bin/bash", "bash", "-c", script, nullptr);
        return 126;
    });
    return join_child(shell, kLongWorkMs);
}

/// For preparations, which must succeed.
inline void prepare(const char* script) {
    const int status = run_script(script);
    if (status != 0) { fail_msg("exit status %d of: %s", status, script); }
}

inline void assert_same_files(const char* found_path, const char* wanted_path) {
    const Contents found(found_path), wanted(wanted_path);
    const bool same = found.bytes() == wanted.bytes() &&
                      memcmp(found.text(), wanted.text(), found.bytes()) == 0;
    if (!same) { fail_msg("found:\n%s\nwanted:\n%s", found.text(), wanted.text()); }
}

inline void assert_has(const char* path, const char* part) {
    const Contents contents(path);
    if (!contents.has(part)) { fail_msg("no \"%s\" in:\n%s", part, contents.text()); }
}

namespace detail {
inline char g_folder[PATH_MAX];

/// Memory, where there is enough: ten thousand files take a loaded disk half a minute.
inline const char* roomy_folder() {
    constexpr std::uint64_t kBytes = 512u << 20;
    struct statvfs memory = {};
    const bool found = statvfs("/dev/shm", &memory) == 0 && access("/dev/shm", W_OK) == 0;
    if (found && std::uint64_t{memory.f_bavail} * memory.f_frsize >= kBytes) { return "/dev/shm"; }
    const char* const temporary = getenv("TMPDIR");
    return temporary != nullptr ? temporary : "/tmp";
}
}  // namespace detail

/// Group set-up: makes a folder, goes there, and sets BROOD to the command: $BROOD, or that of the
/// build that BROOD_BUILD names, with EMULATOR before it.
inline int enter_folder(void**) {
    const char* const given = getenv("BROOD");
    const char* const build = getenv("BROOD_BUILD");
    char path[PATH_MAX], whole[PATH_MAX], command[2 * PATH_MAX];
    if (given != nullptr) {
        snprintf(path, sizeof path, "%s", given);
    } else {
        snprintf(path, sizeof path, "%s/brood", build != nullptr ? build : "build/linux-g++");
    }
    if (realpath(path, whole) == nullptr) {
        print_error("there is no command %s: set BROOD\n", path);
        return -1;
    }
    const char* const emulator = getenv("EMULATOR");
    snprintf(command, sizeof command, "%s%s%s", is_emulated() ? emulator : "",
             is_emulated() ? " " : "", whole);
    setenv("BROOD", command, 1);
    setenv("LC_ALL", "C", 1);

    snprintf(detail::g_folder, sizeof detail::g_folder, "%s/brood-sum-XXXXXX",
             detail::roomy_folder());
    return mkdtemp(detail::g_folder) != nullptr && chdir(detail::g_folder) == 0 ? 0 : -1;
}

/// Group tear-down: removes the folder.
inline int leave_folder(void**) {
    char script[PATH_MAX + 32];
    snprintf(script, sizeof script, "cd / && rm -rf '%s'", detail::g_folder);
    return run_script(script) == 0 && chdir("/") == 0 ? 0 : -1;
}

/// Test set-up: empties the folder.
inline int empty_folder(void**) {
    return run_script("find . -mindepth 1 -delete") == 0 ? 0 : -1;
}

}  // namespace test

#endif
