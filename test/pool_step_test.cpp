// Goal: a worker, a supervisor or a host that is killed or stopped at any instruction of its work
// harms nobody else.
// Method: the victim is stepped by ptrace, one instruction more in each round, until a round meets
// its end. All on one CPU, where a step costs least and workers do not spin. Points inside of the
// kernel are not reached: those are for the storms of pool_crash_test.
#include "pool_support.hpp"
#include "step_support.hpp"

using namespace pool_test;
using test::Stepped;
using test::sweep;

namespace {

// A thread that waits for a task, so that its end must ring.
class Waiter {
public:
    explicit Waiter(Future<int>& future) : future_(future) {
        assert_int_equal(pthread_create(&thread_, nullptr, &run, this), 0);
        assert_true(test::eventually([&] { return state_ == 1; }));
        sleep_us(300);  // It spins, and then it sleeps; either is fine.
    }
    Result<int> result() {
        assert_true(test::eventually([&] { return state_ == 2; }));
        assert_int_equal(pthread_join(thread_, nullptr), 0);
        return result_;
    }

private:
    static void* run(void* waiter_pointer) {
        Waiter& waiter = *static_cast<Waiter*>(waiter_pointer);
        waiter.state_ = 1;
        waiter.result_ = waiter.future_.get(kPatience);
        waiter.state_ = 2;
        return nullptr;
    }
    Future<int>& future_;
    Result<int> result_ = Errc::not_done;
    std::atomic<int> state_{0};
    pthread_t thread_;
};

// Waits until there are `count` workers and each has run a task or is about to look for one.
void settle(Pool& pool, size_t count) {
    assert_true(test::eventually([&] { return pool.worker_pids(nullptr, 0) == count; }));
    assert_int_equal(*pool.apply(square, 3u), 9);
}

constexpr int kEvery = 3;

/// Steps a worker that was given count_run(steps). True at the end of its work: it sleeps; or,
/// where sleeping is looking again and again, it has long been done.
bool reaches_end(Stepped& worker, int steps) {
    static const int long_done = strcmp(brood::port::kName, "posix") == 0 ? 120 : 340;
    static int undone = 0;  // after so many steps
    const bool is_awake = worker.step(steps);
    if (g_talk->runs[steps] == 0) { undone = steps; }
    return !is_awake || steps - undone > long_done;
}

// ---- Workers -----------------------------------------------------------------------------------

bool kill_a_worker_after(Pool& pool, int steps, bool somebody_waits) {
    bool reached_end = false;
    settle(pool, 1);
    g_talk->runs[steps] = 0;
    Stepped worker(Processes(pool).worker(0));
    assert_true(worker.held());
    Future<int> future = pool.apply_async(count_run, steps).expect("submitting");
    Result<int> got = Errc::not_done;
    if (somebody_waits) {
        Waiter waiter(future);
        reached_end = reaches_end(worker, steps);
        worker.kill_now();
        got = waiter.result();
    } else {
        reached_end = reaches_end(worker, steps);
        worker.kill_now();
        got = future.get(kPatience);
    }
    const int runs = g_talk->runs[steps];
    if (got.ok()) {
        assert_int_equal(*got, steps);
        assert_int_equal(runs, 1);
    } else {
        assert_code(got, Errc::worker_died);
        assert_int_equal(got.error().detail(), -SIGKILL);
        assert_true(runs <= 1);
    }
    assert_int_equal(*pool.apply(square, 5u), 25);
    return reached_end;
}

void a_worker_killed_at_any_instruction_costs_at_most_its_task(void**) {
    for (const bool somebody_waits : {false, true}) {
        Pool pool = make_pool(1, 4);
        const test::Swept swept = sweep("a worker killed", kEvery, [&](int steps) {
            return kill_a_worker_after(pool, steps, somebody_waits);
        });
        assert_true(swept.points == 0 || swept.points * swept.every > 50);
    }
}

// The other worker is held, too, until the victim has gone its steps: so it is the victim that
// takes the first task, and the other does what is left, while two threads wait for them.
bool stop_a_worker_after(Pool& pool, int steps) {
    settle(pool, 2);
    g_talk->runs[steps] = g_talk->go = 0;
    const Processes processes(pool);
    Stepped victim(processes.worker(0));
    Stepped other(processes.worker(1));
    assert_true(victim.held() && other.held());
    Future<int> first = pool.apply_async(count_run, steps).expect("submitting");
    Future<int> second = pool.apply_async([] {
                                 g_talk->go.store(getpid());
                                 return 2;
                             })
                             .expect("submitting");
    Waiter first_waiter(first), second_waiter(second);
    const bool reached_end = reaches_end(victim, steps);
    other.let_go_on();
    // Unless the victim has that one, too, its waiter is told while the victim is stopped.
    (void)test::eventually([] { return g_talk->go != 0; }, 5);
    const bool others_turn = g_talk->go == processes.worker(1);
    if (others_turn) { assert_int_equal(*second_waiter.result(), 2); }
    for (unsigned i = 0; i < 6; ++i) {  // Around the table.
        Future<unsigned> next = pool.apply_async(square, i).expect("submitting");
        const Result<unsigned> got = next.get(kPatience);
        assert_ok(got);
        assert_int_equal(*got, i * i);
    }
    victim.let_go_on();
    assert_int_equal(*first_waiter.result(), steps);
    if (!others_turn) { assert_int_equal(*second_waiter.result(), 2); }
    assert_int_equal(g_talk->runs[steps], 1);
    return reached_end;
}

void a_worker_stopped_at_any_instruction_holds_up_only_its_task(void**) {
    Pool pool = make_pool(2, 4);
    const test::Swept swept = sweep("a worker stopped", kEvery, [&](int steps) {  //
        return stop_a_worker_after(pool, steps);
    });
    assert_true(swept.points == 0 || swept.points * swept.every > 50);
}

// No wake-up is lost between a worker's last look and its sleep.
void a_task_submitted_at_any_instruction_of_a_worker_is_run(void**) {
    Pool pool = make_pool(1, 4);
    (void)sweep("a task submitted", kEvery, [&](int steps) {
        settle(pool, 1);
        g_talk->runs[steps] = 0;
        Stepped worker(Processes(pool).worker(0));
        assert_true(worker.held());
        Future<int> first = pool.apply_async(count_run, steps).expect("submitting");
        const bool reached_end = reaches_end(worker, steps);
        Future<int> second = pool.apply_async(count_run, steps).expect("submitting");
        worker.let_go_on();
        assert_int_equal(*first.get(kPatience), steps);
        assert_int_equal(*second.get(kPatience), steps);
        assert_int_equal(g_talk->runs[steps], 2);
        return reached_end;
    });
}

// ---- The supervisor ----------------------------------------------------------------------------

// The worker that does what is waited for is somewhere in its work when the supervisor is killed.
void a_supervisor_killed_at_any_instruction_of_a_worker_is_noticed(void**) {
    (void)sweep("a supervisor killed", 7, [](int steps) {  // Each round makes a pool.
        Pool pool = make_pool(1, 4);
        settle(pool, 1);
        const Processes processes(pool);
        Stepped worker(processes.worker(0));
        assert_true(worker.held());
        Future<int> future = pool.apply_async(count_run, steps).expect("submitting");
        Waiter waiter(future);
        const bool reached_end = reaches_end(worker, steps);
        assert_int_equal(kill(processes.supervisor(), SIGKILL), 0);
        const Result<int> got = waiter.result();
        if (!got.ok()) { assert_code(got, Errc::pool_broken); }
        assert_ok(pool.close());  // With a result it may be that nobody has noticed yet.
        assert_code(pool.join(kPatience), Errc::pool_broken);
        worker.kill_now();
        assert_true(processes.are_gone());
        return reached_end;
    });
}

// Recovery is killed: the supervisor, while it buries a worker and forks the next.
void a_supervisor_killed_while_it_replaces_a_worker_breaks_the_pool(void**) {
    (void)sweep("a supervisor killed in a fork", 151, [](int steps) {  // Which is long.
        Pool pool = make_pool(2, 4);
        LifeSign unused;
        const Processes processes(pool);
        Stepped supervisor(processes.supervisor());
        assert_true(supervisor.held());
        Future<int> futures[2];
        for (auto& future : futures) {
            future = pool.apply_async(wait_for_go, steps).expect("submitting");
        }
        assert_int_equal(kill(processes.worker(0), SIGKILL), 0);
        const bool reached_end = !supervisor.step(steps);
        supervisor.kill_now();
        for (auto& future : futures) {
            const Errc code = future.get(kPatience).code();
            assert_true(code == Errc::pool_broken || code == Errc::worker_died);
        }
        let_go();  // On systems that cannot end a worker in the middle of its task.
        assert_ok(pool.close());
        assert_code(pool.join(kPatience), Errc::pool_broken);
        assert_true(processes.are_gone());
        g_talk->go = 0;
        return reached_end;
    });
}

// ---- The host ----------------------------------------------------------------------------------

void a_host_killed_anywhere_in_create_leaves_nothing(void**) {
    (void)sweep("a host killed in create", 151, [](int steps) {
        LifeSign life;
        g_talk->go = g_talk->begun = 0;
        const pid_t host = shared_test::start_child([] {
            g_talk->begun.store(1);
            while (g_talk->go == 0) {}
            Pool pool = Pool::create(PoolOptions().workers(2).capacity(4)).expect("pool");
            for (;;) { (void)pause(); }
        });
        life.stop_holding();
        assert_true(becomes(g_talk->begun, 1));
        bool reached_end = false;
        {
            Stepped stepped(host);
            assert_true(stepped.held());
            g_talk->go = 1;
            reached_end = !stepped.step(steps);
        }
        assert_true(life.has_ended());
        remove_name_of(host);
        return reached_end;
    });
}

}  // namespace

int main() {
    const test::OneCpu here;
    const CMUnitTest tests[] = {
        POOL_TEST(a_worker_killed_at_any_instruction_costs_at_most_its_task),
        POOL_TEST(a_worker_stopped_at_any_instruction_holds_up_only_its_task),
        POOL_TEST(a_task_submitted_at_any_instruction_of_a_worker_is_run),
        POOL_TEST(a_supervisor_killed_at_any_instruction_of_a_worker_is_noticed),
        POOL_TEST(a_supervisor_killed_while_it_replaces_a_worker_breaks_the_pool),
        POOL_TEST(a_host_killed_anywhere_in_create_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
