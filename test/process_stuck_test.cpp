// Goal: a process in uninterruptible sleep, which nothing can kill, does not hold up its parent
// (pitfalls.md 13).
// Method: a file system in user space that never answers: who looks into it sleeps like that.
#include "process_support.hpp"
#include "silent_file_system.hpp"

using brood::Errc;
using brood::milliseconds;
using brood::Process;
using test::assert_code;
using test::assert_ok;
using test::SilentFileSystem;

namespace {

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
    if (!SilentFileSystem::go_apart()) { return 77; }
    SilentFileSystem silent;
    if (!silent.is_mounted()) { return 77; }
    Process process([&] {
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
