// Goal: a process in uninterruptible sleep, which nothing can kill, does not hold up its parent
// (pitfalls.md 13).
// Method: a file system in user space that never answers: who looks into it sleeps like that.
#include "process_support.hpp"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

using brood::Errc;
using brood::milliseconds;
using brood::Process;
using test::assert_code;
using test::assert_ok;

namespace {

// Mounted in a mount namespace of this process, so that nobody else gets stuck in it.
class SilentFileSystem {
public:
    SilentFileSystem() {
        if (unshare(CLONE_NEWNS) != 0) { return; }
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
        fd_ = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        if (fd_ < 0 || mkdtemp(folder_) == nullptr) { return; }
        char options[100];
        snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd_);
        mounted_ = mount("silent", folder_, "fuse", MS_NOSUID | MS_NODEV, options) == 0;
        mounted_ = mounted_ && introduce();
    }
    ~SilentFileSystem() {
        speak();
        if (mounted_) { umount2(folder_, MNT_DETACH); }
        rmdir(folder_);
    }
    SilentFileSystem(const SilentFileSystem&) = delete;
    SilentFileSystem& operator=(const SilentFileSystem&) = delete;

    /// In a child: it would keep the file system alive that it is stuck in.
    void close_here() { close(fd_); }
    bool is_mounted() const { return mounted_; }
    const char* folder() const { return folder_; }
    /// Takes a question, and keeps it. Whoever asked now waits for the answer.
    bool hear() { return next().opcode == FUSE_LOOKUP; }
    /// Gives up: everybody who waits gets an error.
    void speak() {
        if (fd_ >= 0) { close(fd_); }
        fd_ = -1;
    }

private:
    fuse_in_header next() {
        char buffer[FUSE_MIN_READ_BUFFER + 4096];
        pollfd item = {fd_, POLLIN, 0};
        fuse_in_header header = {};
        if (poll(&item, 1, test::kPatienceMs) != 1) { return header; }
        const ssize_t bytes = read(fd_, buffer, sizeof buffer);
        if (bytes >= static_cast<ssize_t>(sizeof header)) {
            memcpy(&header, buffer, sizeof header);
        }
        return header;
    }
    bool introduce() {
        const fuse_in_header init = next();
        if (init.opcode != FUSE_INIT) { return false; }
        struct {
            fuse_out_header header;
            fuse_init_out body;
        } answer = {};
        answer.header.len = sizeof answer;
        answer.header.unique = init.unique;
        answer.body.major = FUSE_KERNEL_VERSION;
        answer.body.minor = FUSE_KERNEL_MINOR_VERSION;
        answer.body.max_write = 4096;
        return write(fd_, &answer, sizeof answer) == sizeof answer;
    }

    int fd_ = -1;
    bool mounted_ = false;
    char folder_[40] = "/tmp/brood-test-silent-XXXXXX";
};

// It waits for an answer that does not come.
int terminate_in_vain(Process& process) {
    const std::int64_t start = test::now_ns();
    const Errc code = process.terminate(milliseconds(50)).code();
    if (code != Errc::timed_out) { return 2; }
    if (test::now_ns() - start > 10000000000) { return 3; }
    if (test::state_of(process.pid()) != 'D' || !process.is_alive()) { return 4; }
    return process.exit_code().code() == Errc::still_running ? 0 : 5;
}

// In a child, which has a mount namespace of its own.
int look_in_and_be_killed() {
    SilentFileSystem silent;
    if (!silent.is_mounted()) { return 77; }
    Process process([&] {
        silent.close_here();
        char path[80];
        snprintf(path, sizeof path, "%s/anything", silent.folder());
        struct stat status = {};
        stat(path, &status);
    });
    if (!process.start().ok()) { return 1; }
    const int code = silent.hear() ? terminate_in_vain(process) : 8;
    silent.speak();
    if (!process.join(milliseconds(test::kPatienceMs)).ok()) { return 6; }
    return code != 0 || process.exit_code().value_or(0) < 0 ? code : 7;
}

void a_process_that_nothing_can_kill_does_not_hold_up_its_parent(void**) {
    const int code = test::run_child(look_in_and_be_killed);
    if (code == 77) { return test::not_run("uninterruptible sleep", "needs root and /dev/fuse"); }
    assert_int_equal(code, 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_nothing_can_kill_does_not_hold_up_its_parent),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
