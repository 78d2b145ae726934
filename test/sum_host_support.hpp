// A running `brood sum`, or another command, its processes, and what may be done to them.
#ifndef BROOD_TEST_SUM_HOST_SUPPORT_HPP
#define BROOD_TEST_SUM_HOST_SUPPORT_HPP

#include "sum_support.hpp"

#include <sys/prctl.h>

namespace test {

/// `brood COMMAND ARGUMENTS` in a process group of its own; output goes to the file "found", errors
/// to "errors" or to a terminal. Orphans of the group become children of the test, which so learns
/// of their end.
class Host {
public:
    /// `terminal`: a descriptor for standard error, or -1.
    explicit Host(const char* arguments, int terminal = -1, const char* command = "sum") {
        assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
        char script[1024];
        snprintf(script, sizeof script, "exec $BROOD %s %s", command, arguments);
        pid_ = start_child([&]() -> int {
            setpgid(0, 0);
            redirect("found", STDOUT_FILENO);
            if (terminal >= 0) {
                dup2(terminal, STDERR_FILENO);
            } else {
                redirect("errors", STDERR_FILENO);
            }
            execl("/bin/bash", "bash", "-c", script, nullptr);
            return 126;
        });
        setpgid(pid_, pid_);  // Here, too: whoever comes first.
    }
    ~Host() {
        if (pid_ > 0) { kill(-pid_, SIGKILL); }
        while (pid_ > 0 && waitpid(-pid_, nullptr, 0) > 0) {}
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    pid_t pid() const { return pid_; }
    /// Its exit code, -N if signal N killed it.
    int join() { return join_child(pid_, kLongWorkMs); }

    /// Whether all processes of the group, the host among them, have ended within the time.
    bool is_gone_within(std::int64_t ms) {
        return eventually(
            [&] {
                int status = 0;
                pid_t found = 0;
                do { found = waitpid(-pid_, &status, WNOHANG); } while (found > 0);
                return found < 0 && errno == ECHILD;
            },
            ms);
    }

    /// Calls visit(pid, parent) for each process of the group but the host.
    template <class Visit>
    void for_each_process(Visit visit) const {
        DIR* const proc = opendir("/proc");
        assert_non_null(proc);
        while (const dirent* entry = readdir(proc)) {
            const pid_t pid = atoi(entry->d_name);
            int parent = 0, group = 0;
            if (pid > 0 && pid != pid_ && read_stat(pid, parent, group) && group == pid_) {
                visit(pid, parent);
            }
        }
        closedir(proc);
    }
    /// Up to `room` workers: the grandchildren.
    size_t workers(pid_t* list, size_t room) const {
        size_t count = 0;
        for_each_process([&](pid_t pid, pid_t parent) {
            if (parent != pid_ && parent != getpid() && count < room) { list[count++] = pid; }
        });
        return count;
    }
    pid_t supervisor() const {
        pid_t found = 0;
        for_each_process([&](pid_t pid, pid_t parent) { found = parent == pid_ ? pid : found; });
        return found;
    }
    /// Waits until a process other than `but` has a file open whose path ends with `path`.
    pid_t await_holder(const char* path, pid_t but = 0) const {
        pid_t holder = 0;
        const bool found = eventually([&] {
            for_each_process([&](pid_t pid, pid_t) {
                if (pid != but && holds(pid, path)) { holder = pid; }
            });
            return holder != 0;
        });
        if (!found) { fail_msg("nobody opened %s", path); }
        return holder;
    }

private:
    static void redirect(const char* path, int fd) {
        const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (file < 0 || dup2(file, fd) < 0) { _exit(125); }
        close(file);
    }
    static bool read_stat(pid_t pid, int& parent, int& group) {
        char path[64], line[512];
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE* const file = fopen(path, "re");
        if (file == nullptr) { return false; }
        const bool got = fgets(line, sizeof line, file) != nullptr;
        fclose(file);
        const char* const end = got ? strrchr(line, ')') : nullptr;
        char state = 0;
        return end != nullptr && sscanf(end + 1, " %c %d %d", &state, &parent, &group) == 3 &&
               state != 'Z';
    }
    static bool holds(pid_t pid, const char* path) {
        char folder[64];
        snprintf(folder, sizeof folder, "/proc/%d/fd", pid);
        DIR* const dir = opendir(folder);
        if (dir == nullptr) { return false; }
        bool found = false;
        while (const dirent* entry = readdir(dir)) {
            char target[PATH_MAX];
            const ssize_t length = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
            if (length <= 0) { continue; }
            target[length] = '\0';
            const size_t wanted = strlen(path), got = static_cast<size_t>(length);
            found = found || (got >= wanted && strcmp(target + got - wanted, path) == 0);
        }
        closedir(dir);
        return found;
    }

    pid_t pid_ = -1;
};

/// A pseudo terminal.
class Terminal {
public:
    Terminal() : master_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        assert_true(master_ >= 0);
        assert_int_equal(grantpt(master_), 0);
        assert_int_equal(unlockpt(master_), 0);
        slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(slave_ >= 0);
    }
    ~Terminal() {
        close_slave();
        close(master_);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    int master() const { return master_; }
    int slave() const { return slave_; }
    void close_slave() {
        if (slave_ >= 0) { close(slave_); }
        slave_ = -1;
    }
    /// All that is written to it until the last writer closes it, as text; `room` is enough.
    void read_all(char* text, size_t room) {
        close_slave();
        size_t length = 0;
        while (length + 1 < room) {
            const ssize_t got = read(master_, text + length, room - length - 1);
            if (got <= 0) { break; }  // EIO is the end.
            length += static_cast<size_t>(got);
        }
        text[length] = '\0';
    }

private:
    int master_ = -1, slave_ = -1;
};

/// Kills one of the workers every few milliseconds until the host ends. Returns how many.
inline int storm(Host& host) {
    int kills = 0;
    siginfo_t ended = {};
    while (waitid(P_PID, static_cast<id_t>(host.pid()), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0) {
        pid_t workers[8];
        const size_t count = host.workers(workers, 8);
        if (count > 0 && kill(workers[static_cast<size_t>(rand()) % count], SIGKILL) == 0) {
            ++kills;
        }
        sleep_ms(1 + rand() % 8);
    }
    return kills;
}

}  // namespace test

#endif
