// Goal: a worker in uninterruptible sleep, which nothing can kill, holds up nobody (pitfalls.md
// 13): its task ends at its time, once; another worker takes its place; its late end, and what its
// last system call writes then, hits no other task; and the pool ends without it, and says so.
// Method: a file system that does not answer until it is told to; each pool in a process of its
// own, with mounts of its own.
#include "pool_support.hpp"
#include "silent_file_system.hpp"

#include <brood/text.hpp>

#include <sys/prctl.h>

using namespace pool_test;
using brood::milliseconds;
using brood::PoolStats;
using brood::TaskOptions;
using brood::WorkerState;
using brood::WorkerStats;
using test::eventually;
using test::SilentFileSystem;

namespace {

using Path = brood::Text<80>;
constexpr int kCannot = 77;

/// Fails unless scene(silent) does well, and leaves no process once the silence is over.
template <class Scene>
void in_silence(Scene scene) {
    const int code = end_of(shared_test::start_child([&] {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        if (!SilentFileSystem::go_apart()) { _exit(kCannot); }
        SilentFileSystem silent;
        if (!silent.is_mounted()) { _exit(kCannot); }
        scene(silent);
        silent.speak();
        CHECK_IN_CHILD(test::all_end());
    }));
    if (code == kCannot) { return test::not_run("a stuck worker", "needs root and /dev/fuse"); }
    assert_int_equal(code, 0);
}

Path path_in(const SilentFileSystem& silent, const char* name) {
    Path path;
    CHECK_IN_CHILD(path.append(silent.folder()) && path.append("/") && path.append(name));
    return path;
}

/// A task that nothing ends until the file system speaks.
int look_into(const Path& path) {
    g_talk->begun.fetch_add(1);
    struct stat status = {};
    return stat(path.c_str(), &status);
}

PoolOptions options_for(std::uint32_t workers) {
    return PoolOptions().workers(workers).capacity(2).payload_bytes(128);
}
Pool pool_of(const PoolOptions& options) {
    return Pool::create(options).expect("making a pool");
}
PoolStats stats_of(const Pool& pool) {
    return pool.stats().expect("asking for the numbers");
}
pid_t only_worker(const Pool& pool) {
    std::int32_t pid = 0;
    CHECK_IN_CHILD(eventually([&] { return pool.worker_pids(&pid, 1) == 1; }));
    return pid;
}

/// Has the only worker of the pool get stuck, and its task end: its pid.
pid_t stick(Pool& pool, SilentFileSystem& silent, const char* name = "x") {
    const pid_t pid = only_worker(pool);
    const auto options = TaskOptions().timeout(milliseconds(50));
    Future<int> future =
        pool.apply_async(options, look_into, path_in(silent, name)).expect("stick");
    CHECK_IN_CHILD(silent.hear());
    CHECK_IN_CHILD(future.get(kPatience).code() == Errc::task_timed_out);
    CHECK_IN_CHILD(test::state_of(pid) == 'D');
    return pid;
}

// ---- Tasks -------------------------------------------------------------------------------------

void its_task_ends_at_its_time_and_its_place_has_another(SilentFileSystem& silent) {
    Pool pool = pool_of(options_for(1));
    const pid_t pid = stick(pool, silent);
    CHECK_IN_CHILD(stats_of(pool).stuck == 1 && stats_of(pool).timed_out == 1);
    CHECK_IN_CHILD(*pool.apply(square, 3u) == 9);
    const pid_t next = only_worker(pool);
    CHECK_IN_CHILD(next != pid && stats_of(pool).alive == 1 && stats_of(pool).replaced == 1);
    WorkerStats workers[3];
    CHECK_IN_CHILD(pool.worker_stats(workers, 3) == 2 && workers[0].pid == next);
    CHECK_IN_CHILD(workers[1].pid == pid && workers[1].state == WorkerState::stuck);
    CHECK_IN_CHILD(workers[1].index == 0 && workers[1].task == WorkerStats::kNoTask);
    CHECK_IN_CHILD(pool.worker_stats(workers, 1) == 2);
    silent.speak();
    CHECK_IN_CHILD(eventually([&] { return stats_of(pool).stuck == 0; }));
    const PoolStats stats = stats_of(pool);
    CHECK_IN_CHILD(stats.timed_out == 1 && stats.done == 1 && stats.failed + stats.cancelled == 0);
    CHECK_IN_CHILD(only_worker(pool) == next && stats.replaced == 1);
    CHECK_IN_CHILD(pool.close().ok() && pool.join(kPatience).ok());
}

void its_task_can_be_cancelled(SilentFileSystem& silent) {
    Pool pool = pool_of(options_for(1));
    Future<int> future = pool.apply_async(look_into, path_in(silent, "x")).expect("submitting");
    CHECK_IN_CHILD(silent.hear());
    CHECK_IN_CHILD(*future.cancel());
    CHECK_IN_CHILD(future.wait(kPatience).ok());
    CHECK_IN_CHILD(!*future.cancel());
    silent.speak();
    CHECK_IN_CHILD(eventually([&] { return stats_of(pool).stuck == 0; }));
    CHECK_IN_CHILD(future.get(kPatience).code() == Errc::cancelled);
    CHECK_IN_CHILD(stats_of(pool).cancelled == 1 && *pool.apply(square, 3u) == 9);
}

void a_task_that_could_be_run_again_is_not(SilentFileSystem& silent) {
    Pool pool = pool_of(options_for(1).retries(3));
    (void)stick(pool, silent);
    silent.speak();
    CHECK_IN_CHILD(eventually([&] { return stats_of(pool).stuck == 0; }));
    CHECK_IN_CHILD(*pool.apply(square, 3u) == 9);
    CHECK_IN_CHILD(g_talk->begun == 1);
}

// The slot of a Future that was dropped, too.
void its_slot_waits_until_it_has_gone(SilentFileSystem& silent) {
    Pool pool = pool_of(options_for(1));
    (void)stick(pool, silent);
    Future<int> other = pool.apply_async(wait_for_go, 7).expect("submitting");
    CHECK_IN_CHILD(pool.apply_async(square, 3u).code() == Errc::full);
    silent.speak();
    const auto patiently = TaskOptions().submit_timeout(kPatience);
    Future<unsigned> third = pool.apply_async(patiently, square, 3u).expect("submitting");
    let_go();
    CHECK_IN_CHILD(*other.get(kPatience) == 7 && *third.get(kPatience) == 9);
}

struct Page {
    unsigned char bytes[4096];
};
/// Is made in its block, whereto the system reads.
Page read_late(const Path& path) {
    Page page;
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    page.bytes[0] = read(fd, page.bytes, sizeof page.bytes) == 4096 ? page.bytes[0] : 0;
    return page;
}
Page filled(unsigned char value) {
    Page page;
    memset(page.bytes, value, sizeof page.bytes);
    return page;
}

void what_its_last_call_writes_hits_no_other_task(SilentFileSystem& silent) {
    constexpr unsigned char kOthers = 6;
    Pool pool = pool_of(PoolOptions().workers(1).capacity(8));
    {
        Future<Page> late = pool.apply_async(read_late, path_in(silent, "file")).expect("late");
        CHECK_IN_CHILD(silent.hear_read());
        CHECK_IN_CHILD(*late.cancel());
        CHECK_IN_CHILD(late.get(kPatience).code() == Errc::cancelled);
    }
    Future<Page> others[kOthers];
    for (unsigned char i = 0; i < kOthers; ++i) {
        others[i] = pool.apply_async(filled, i).expect("submitting");
        CHECK_IN_CHILD(others[i].wait(kPatience).ok());
    }
    const Page content = filled(0xee);
    CHECK_IN_CHILD(silent.answer_read(&content, sizeof content));
    CHECK_IN_CHILD(eventually([&] { return stats_of(pool).stuck == 0; }));
    for (unsigned char i = 0; i < kOthers; ++i) {
        const Page expected = filled(i);
        const Result<Page> page = others[i].get(kPatience);
        CHECK_IN_CHILD(page.ok() && memcmp(&*page, &expected, sizeof expected) == 0);
    }
}

void there_are_no_more_than_twice_as_many_processes(SilentFileSystem& silent) {
    Pool pool = pool_of(options_for(1).capacity(8));
    (void)stick(pool, silent);
    (void)stick(pool, silent, "y");
    Future<int> third = pool.apply_async(look_into, path_in(silent, "x")).expect("submitting");
    CHECK_IN_CHILD(third.wait(milliseconds(500)).code() == Errc::timed_out);
    CHECK_IN_CHILD(stats_of(pool).alive == 0 && stats_of(pool).queued == 1);
    silent.speak();
    CHECK_IN_CHILD(*third.get(kPatience) == -1);
}

void a_supervisor_sleeps_while_it_is_stuck(SilentFileSystem& silent) {
    Pool pool = pool_of(options_for(1));
    (void)stick(pool, silent);
    CHECK_IN_CHILD(eventually([&] {
        const long before = test::switches_of(pool.supervisor_pid());
        test::sleep_ms(700);
        return test::switches_of(pool.supervisor_pid()) == before;
    }));
}

// ---- The end of the pool -----------------------------------------------------------------------

void join_tells_of_it_and_does_not_wait(SilentFileSystem& silent) {
    Pool pool = pool_of(options_for(1));
    const pid_t pid = stick(pool, silent);
    Future<unsigned> last = pool.apply_async(square, 3u).expect("submitting");
    CHECK_IN_CHILD(pool.close().ok());
    const Status joined = pool.join(kPatience);
    CHECK_IN_CHILD(joined.code() == Errc::worker_stuck && joined.error().detail() == pid);
    CHECK_IN_CHILD(*last.get(kPatience) == 9);
    CHECK_IN_CHILD(stats_of(pool).stuck == 1 && pool.supervisor_pid() == 0);
    CHECK_IN_CHILD(test::state_of(pid) == 'D');
}

void join_tells_of_tasks_for_which_there_was_no_worker(SilentFileSystem& silent) {
    Pool pool = pool_of(options_for(1).capacity(8));
    (void)stick(pool, silent);
    (void)stick(pool, silent, "y");
    Future<unsigned> third = pool.apply_async(square, 3u).expect("submitting");
    CHECK_IN_CHILD(pool.close().ok());
    CHECK_IN_CHILD(pool.join(kPatience).code() == Errc::worker_stuck);
    CHECK_IN_CHILD(third.get(kPatience).code() == Errc::pool_terminated);
    CHECK_IN_CHILD(stats_of(pool).stuck == 2);
}

void terminate_tells_of_it_and_does_not_wait(SilentFileSystem& silent) {
    Pool pool = pool_of(options_for(2));
    Future<int> future = pool.apply_async(look_into, path_in(silent, "x")).expect("submitting");
    CHECK_IN_CHILD(silent.hear());
    const std::int64_t begun = test::now_ns();
    const Status ended = pool.terminate();
    CHECK_IN_CHILD(ended.code() == Errc::worker_stuck);
    CHECK_IN_CHILD(test::state_of(static_cast<pid_t>(ended.error().detail())) == 'D');
    CHECK_IN_CHILD(test::now_ns() - begun < test::kSoonMs * 1000000);
    CHECK_IN_CHILD(future.get(kPatience).code() == Errc::pool_terminated);
    CHECK_IN_CHILD(stats_of(pool).stuck == 1 && stats_of(pool).alive == 0);
    CHECK_IN_CHILD(pool.join(kPatience).code() == Errc::worker_stuck);
}

// When no worker is left whose end would be told.
void an_event_loop_is_told_of_the_end(SilentFileSystem& silent) {
    Pool pool = pool_of(options_for(1).capacity(8).pollable());
    (void)stick(pool, silent);
    (void)stick(pool, silent, "y");
    pollfd item = {pool.fileno(), POLLIN, 0};
    while (poll(&item, 1, 100) == 1) { CHECK_IN_CHILD(pool.poll().ok()); }
    const pid_t supervisor = pool.supervisor_pid();
    CHECK_IN_CHILD(pool.close().ok());
    CHECK_IN_CHILD(eventually([=] { return test::has_ended(supervisor); }));
    for (int i = 0; i < 2; ++i) {
        CHECK_IN_CHILD(poll(&item, 1, test::kPatienceMs) == 1);
        CHECK_IN_CHILD(pool.poll().ok());
        CHECK_IN_CHILD(pool.supervisor_pid() == 0);
    }
    CHECK_IN_CHILD(pool.join(kPatience).code() == Errc::worker_stuck);
}

void an_initializer_that_fails_is_told_while_another_is_stuck(SilentFileSystem& silent) {
    const auto one_fails = [](const Path& path) {
        if (g_talk->runs[0].fetch_add(1) == 0) { return look_into(path) == 0; }
        while (g_talk->go == 0) { sleep_us(100); }
        return false;
    };
    Pool pool = pool_of(options_for(2).initializer(one_fails, path_in(silent, "x")));
    CHECK_IN_CHILD(silent.hear());
    let_go();
    CHECK_IN_CHILD(pool.apply(square, 3u).code() == Errc::initializer_failed);
    CHECK_IN_CHILD(pool.join(kPatience).code() == Errc::initializer_failed);
}

template <void (*scene)(SilentFileSystem&)>
void stuck(void**) {
    in_silence(scene);
}

}  // namespace

#define STUCK_TEST(scene) \
    { #scene, stuck < scene>, fresh_talk, nothing_left, nullptr }

int main() {
    const CMUnitTest tests[] = {
        STUCK_TEST(its_task_ends_at_its_time_and_its_place_has_another),
        STUCK_TEST(its_task_can_be_cancelled),
        STUCK_TEST(a_task_that_could_be_run_again_is_not),
        STUCK_TEST(its_slot_waits_until_it_has_gone),
        STUCK_TEST(what_its_last_call_writes_hits_no_other_task),
        STUCK_TEST(there_are_no_more_than_twice_as_many_processes),
        STUCK_TEST(a_supervisor_sleeps_while_it_is_stuck),
        STUCK_TEST(join_tells_of_it_and_does_not_wait),
        STUCK_TEST(join_tells_of_tasks_for_which_there_was_no_worker),
        STUCK_TEST(terminate_tells_of_it_and_does_not_wait),
        STUCK_TEST(an_event_loop_is_told_of_the_end),
        STUCK_TEST(an_initializer_that_fails_is_told_while_another_is_stuck),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
