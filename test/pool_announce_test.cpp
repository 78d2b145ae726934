// Goal: the name of an announced pool whose supervisor was killed goes as soon as its host learns
// of that, whichever call it is; and never the name of another.
// Method: true kills; objects that others put in the place of the supervisor's.
#include "pool_support.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <brood/pool_view.hpp>

using namespace pool_test;
using brood::PoolView;
using test::eventually;

namespace {

PoolOptions announced() {
    return PoolOptions().workers(1).capacity(16).announce();
}
std::size_t names_in_memory() {
    return test::count_entries("/dev/shm", "brood-pool-");
}
/// Kills the supervisor, of which the host does not learn by this.
void kill_supervisor(const Pool& pool) {
    const pid_t pid = pool.supervisor_pid();
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_true(eventually([=] { return test::has_ended(pid); }));
    assert_int_equal(names_in_memory(), 1);
}

void whichever_call_learns_of_its_death_removes_the_name(void**) {
    using Learn = void (*)(Pool & pool, Future<int> & future);
    const Learn calls[] = {
        [](Pool&, Future<int>& future) { assert_code(future.get(kPatience), Errc::pool_broken); },
        [](Pool&, Future<int>& future) { assert_true(future.ready()); },
        [](Pool& pool, Future<int>&) { assert_code(pool.apply(square, 3u), Errc::pool_broken); },
        [](Pool& pool, Future<int>&) { assert_ok(pool.stats()); },
        [](Pool& pool, Future<int>&) { assert_code(pool.resize(1), Errc::pool_broken); },
        [](Pool& pool, Future<int>&) { assert_ok(pool.close()); },
        [](Pool& pool, Future<int>&) { assert_code(pool.join(kPatience), Errc::pool_broken); },
        [](Pool& pool, Future<int>&) { assert_ok(pool.terminate()); },
        [](Pool& pool, Future<int>&) { pool = Pool(); },
    };
    for (const Learn learn : calls) {
        Pool pool = make_pool(announced());
        Future<int> future = pool.apply_async(wait_for_go, 7).expect("submitting");
        const Processes processes(pool);
        kill_supervisor(pool);
        learn(pool, future);
        assert_int_equal(names_in_memory(), 0);
        let_go();  // Where nothing ends workers with their supervisor, they go after their task.
        assert_true(processes.are_gone());
        g_talk->go = 0;
    }
}

void who_sleeps_meanwhile_removes_it_when_it_wakes(void**) {
    Pool pool = make_pool(announced());
    Future<int> future = pool.apply_async(wait_for_go, 7).expect("submitting");
    await_begun(1);
    const pid_t supervisor = pool.supervisor_pid(), host = getpid();
    const pid_t killer = shared_test::start_child([=] {
        CHECK_IN_CHILD(eventually([=] { return test::state_of(host) == 'S'; }));
        CHECK_IN_CHILD(kill(supervisor, SIGKILL) == 0);
    });
    assert_code(future.get(kPatience), Errc::pool_broken);
    assert_int_equal(names_in_memory(), 0);
    let_go();
    assert_int_equal(end_of(killer), 0);
}

/// The object of a pool's supervisor, by the system's own calls.
class Name {
public:
    explicit Name(const Pool& pool) {
        (void)snprintf(name_, sizeof name_, "/brood-pool-%d-1",
                       static_cast<int>(pool.supervisor_pid()));
    }
    ~Name() { (void)shm_unlink(name_); }
    Name(const Name&) = delete;
    Name& operator=(const Name&) = delete;

    /// As if it had been removed, and another had got the name.
    void give_to_another() const {
        assert_int_equal(shm_unlink(name_), 0);
        const int fd = shm_open(name_, O_RDWR | O_CREAT | O_EXCL, 0600);
        assert_true(fd >= 0);
        (void)close(fd);
    }
    /// A process that holds it as its maker does.
    pid_t start_holder(test::Handshake& held) const {
        return shared_test::start_child([&] {
            struct flock lock = {};
            lock.l_type = F_WRLCK;
            CHECK_IN_CHILD(fcntl(shm_open(name_, O_RDWR, 0600), F_SETLK, &lock) == 0);
            held.tell();
            for (;;) { (void)pause(); }
        });
    }

private:
    char name_[64];
};

void the_name_of_another_stays(void**) {
    Pool pool = make_pool(announced());
    const Name name(pool);
    kill_supervisor(pool);
    name.give_to_another();
    assert_code(pool.apply(square, 3u), Errc::pool_broken);
    assert_ok(pool.terminate());
    pool = Pool();
    assert_int_equal(names_in_memory(), 1);
}

void a_name_that_is_held_stays(void**) {
    Pool pool = make_pool(announced());
    const Name name(pool);
    kill_supervisor(pool);
    test::Handshake held;
    const pid_t holder = name.start_holder(held);
    assert_true(held.await());
    assert_code(pool.apply(square, 3u), Errc::pool_broken);
    assert_int_equal(names_in_memory(), 1);
    kill_and_reap(holder);
}

void when_its_host_is_killed_as_well_the_list_removes_it(void**) {
    test::Board<std::atomic<int>> supervisor;
    const pid_t host = shared_test::start_child([&] {
        const Pool pool = Pool::create(announced()).expect("making a pool");
        *supervisor = pool.supervisor_pid();
        for (;;) { (void)pause(); }
    });
    assert_true(eventually([&] { return *supervisor != 0; }));
    (void)kill(host, SIGSTOP);  // It learns of nothing.
    test::await_state(host, 'T');
    (void)kill(*supervisor, SIGKILL);
    kill_and_reap(host);
    assert_true(eventually([&] { return test::has_ended(*supervisor); }));
    assert_int_equal(names_in_memory(), 1);
    const Result<std::size_t> count = PoolView::list(nullptr, 0);
    assert_ok(count);
    assert_int_equal(*count, 0);
    assert_int_equal(names_in_memory(), 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(whichever_call_learns_of_its_death_removes_the_name),
        POOL_TEST(who_sleeps_meanwhile_removes_it_when_it_wakes),
        POOL_TEST(the_name_of_another_stays),
        POOL_TEST(a_name_that_is_held_stays),
        POOL_TEST(when_its_host_is_killed_as_well_the_list_removes_it),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
