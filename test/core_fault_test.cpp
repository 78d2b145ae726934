// Goal: whichever call of the port fails, or kills its caller, the core undoes what it had begun,
//       says so, and works when it is called again (promises 15, 8, 8c).
// Method: run a scenario with the first, second, third ... call of the port struck, in turn in the
//         host, its children and their children, until a run meets no such call.
#include "fault_support.hpp"

#include <brood/brood.hpp>

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <new>

#include <port/port.hpp>

using namespace brood;

namespace {

using Scenario = Status (*)();

Status start_and_join(const ProcessOptions& options) {
    Process process(options, [] {});
    const Status started = process.start();
    return started.ok() ? process.join(seconds(10)) : started;
}

Status a_process() {
    return start_and_join(ProcessOptions());
}

Status a_daemon() {
    return start_and_join(ProcessOptions().daemon());
}

Status a_detached_process() {
    Process process([] {});
    return process.detach().status();
}

Status a_program() {
    const char* const arguments[] = {"true", nullptr};
    char output[16];
    const Result<Captured> captured =
        capture("/bin/true", arguments, output, sizeof output, ExecOptions(), seconds(10));
    return captured.ok() && captured->exit_code != 0 ? Status(Errc::exec_failed)
                                                     : captured.status();
}

unsigned square(unsigned n) {
    return n * n;
}

Status a_pool_with(const PoolOptions& options) {
    Result<Pool> pool = Pool::create(options);
    if (!pool.ok()) { return pool.status(); }
    const Result<unsigned> applied = pool->apply(square, 7u);
    if (!applied.ok()) { return applied.status(); }
    const unsigned inputs[] = {1, 2, 3, 4, 5};
    unsigned outputs[5] = {};
    const Status mapped = pool->map(square, inputs, outputs);
    if (!mapped.ok()) { return mapped; }
    if (*applied != 49 || outputs[4] != 25) { return Errc::corrupt; }
    pool->poll().ignore();
    const Status closed = pool->close();
    return closed.ok() ? pool->join(seconds(10)) : closed;
}

Status a_pool() {
    return a_pool_with(PoolOptions().workers(2));
}

Status a_pool_with_a_descriptor() {
    return a_pool_with(PoolOptions().workers(2).pollable());
}

Status a_connection() {
    Result<ConnectionPair> ends = Connection::pipe();
    if (!ends.ok()) { return ends.status(); }
    const Status sent = ends->first.send_bytes("hello", 6);
    if (!sent.ok()) { return sent; }
    char text[16];
    return ends->second.recv_bytes(text, sizeof text, seconds(10)).status();
}

constexpr const char* kName = "/brood-fault-test";

bool name_exists() {
    return test::count_entries("/dev/shm", kName + 1) != 0;
}

Status a_named_array() {
    Status status;
    {
        const Result<Array<int>> made = Array<int>::create_named(kName, 100);
        if (!made.ok() && name_exists()) { _exit(test::kLeftName); }
        status = made.ok() ? Array<int>::open(kName, milliseconds(100)).status() : made.status();
    }
    // A creator that cannot make sure that the name is still its own leaves it in place.
    fault::disarm();
    if (name_exists()) { return SharedMemory::remove(kName); }
    return status;
}

Status a_locked_value() {
    Result<Value<int>> value = Value<int>::create(1);
    if (!value.ok()) { return value.status(); }
    return value->with_lock([](int& number) { ++number; }, seconds(10));
}

// A killed one leaves the name, as the headers say: the next takes it away.
Status a_named_message_queue() {
    MessageQueue<int>::remove(kName).ignore();
    Result<MessageQueue<int>> queue = MessageQueue<int>::create_named(kName, 2);
    if (!queue.ok() && MessageQueue<int>::open(kName).ok()) { _exit(test::kLeftName); }
    if (!queue.ok()) { return queue.status(); }
    const Status put = queue->put(7, seconds(10));
    return put.ok() ? queue->get(seconds(10)).status() : put;
}

Status a_nameless_message_queue() {
    Result<MessageQueue<int>> queue = MessageQueue<int>::create(2);
    if (!queue.ok()) { return queue.status(); }
    const Status put = queue->put(7);
    return put.ok() ? queue->get().status() : put;
}

Status a_named_semaphore() {
    NamedSemaphore::remove(kName).ignore();
    Result<NamedSemaphore> semaphore = NamedSemaphore::create(kName, 1);
    if (!semaphore.ok() && NamedSemaphore::open(kName).ok()) { _exit(test::kLeftName); }
    if (!semaphore.ok()) { return semaphore.status(); }
    const Status taken = semaphore->acquire(seconds(10));
    return taken.ok() ? semaphore->release() : taken;
}

// Whatever failed, and what was put is there; once, as only one call fails.
Status a_growing_queue() {
    using Block = std::array<int, 1024>;
    Result<Queue<Block>> queue = Queue<Block>::create();
    if (!queue.ok()) { return queue.status(); }
    Status put;
    int count = 0;
    for (Block block = {}; count < 40 && put.ok(); count += put.ok() ? 1 : 0) {
        block[1023] = count;
        put = queue->put(block);
    }
    for (int i = 0; i < count; ++i) {
        Result<Block> got = queue->get_nowait();
        if (!got.ok()) { got = queue->get_nowait(); }
        if (!got.ok() || (*got)[1023] != i) { _exit(test::kLost); }
    }
    return put;
}

Status a_growing_byte_queue() {
    static char bytes[100000];
    Result<ByteQueue> queue = ByteQueue::create();
    if (!queue.ok()) { return queue.status(); }
    const Status put = queue->put(bytes, sizeof bytes);
    return put.ok() ? queue->get(bytes, sizeof bytes).status() : put;
}

const struct {
    const char* name;
    Scenario run;
} kScenarios[] = {
    {"process", a_process},
    {"daemon", a_daemon},
    {"detach", a_detached_process},
    {"program", a_program},
    {"pool", a_pool},
    {"pool with a descriptor", a_pool_with_a_descriptor},
    {"connection", a_connection},
    {"array", a_named_array},
    {"locked value", a_locked_value},
    {"named message queue", a_named_message_queue},
    {"message queue", a_nameless_message_queue},
    {"named semaphore", a_named_semaphore},
    {"growing queue", a_growing_queue},
    {"growing byte queue", a_growing_byte_queue},
};

/// In a process of its own: the scenario with a fault, what it left, and once more without.
int subject(Scenario run, const fault::Plan& plan) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const std::size_t descriptors = test::open_descriptors();
    fault::arm(plan);
    run().ignore();
    fault::disarm();
    if (!test::all_end()) { return test::kLeftProcess; }
    if (test::open_descriptors() != descriptors) { return test::kLeftDescriptor; }
    if (!run().ok()) { return test::kRetryFailed; }
    return fault::struck() ? test::kFine : test::kNotStruck;
}

void sweep_failures(std::uint32_t depth) {
    for (const auto& scenario : kScenarios) {
        std::uint32_t nth = 1;
        for (;; ++nth) {
            assert_true(nth < test::kCallsMax);
            fault::Plan plan;
            plan.act = fault::Act::fail;
            plan.nth = nth;
            plan.depth = depth;
            const int verdict = test::run_child([&] { return subject(scenario.run, plan); });
            if (verdict == test::kNotStruck) { break; }
            if (verdict != test::kFine) {
                fail_msg("%s with call %u failing at depth %u: %s (%d)", scenario.name, nth, depth,
                         test::words(verdict), verdict);
            }
        }
        print_message("%s, depth %u: %u calls failed in turn\n", scenario.name, depth, nth - 1);
    }
}

void whatever_call_fails_in_the_host_is_undone_and_a_retry_works(void**) {
    sweep_failures(0);
}

void whatever_call_fails_in_a_child_or_supervisor_leaves_nothing(void**) {
    sweep_failures(1);
}

void whatever_call_fails_in_a_worker_leaves_nothing(void**) {
    sweep_failures(2);
}

/// The scenario in a child of its own, killed at its nth call. True if there was such a call.
bool host_killed_at(Scenario run, std::uint32_t nth, std::int64_t& worst_ns) {
    fault::Plan plan;
    plan.act = fault::Act::kill;
    plan.nth = nth;
    plan.depth = 1;
    fault::arm(plan);  // Here, so that whether it struck is known when the child is gone.
    const int code = test::run_child([&] { return run().ok() ? 0 : 1; });
    const bool struck = fault::struck();
    fault::disarm();
    assert_int_equal(code, struck ? -SIGKILL : 0);
    const std::int64_t died_ns = test::now_ns();
    assert_true(test::all_end());
    const std::int64_t took_ns = test::now_ns() - died_ns;
    if (took_ns > worst_ns) { worst_ns = took_ns; }
    return struck;
}

void a_host_killed_at_any_call_leaves_no_daemon_worker_or_supervisor(void**) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (const auto& scenario : kScenarios) {
        if (scenario.run == &a_named_array) { continue; }  // Its name stays, as its header says.
        std::int64_t worst_ns = 0;
        std::uint32_t nth = 1;
        while (host_killed_at(scenario.run, nth, worst_ns)) {
            assert_true(++nth < test::kCallsMax);
        }
        print_message("%s: killed at %u calls, all gone after %lld us at most\n", scenario.name,
                      nth - 1, static_cast<long long>(worst_ns / 1000));
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/// A pool whose supervisor (depth 1) or first worker (depth 2) is killed at each of its calls.
void sweep_pool_kills(std::uint32_t depth) {
    const auto is_told = [](Errc code) {
        return code == Errc::ok || code == Errc::pool_broken || code == Errc::worker_died;
    };
    test::sweep_calls(fault::Act::kill, depth, &a_pool, is_told, [] { return true; });
}

void a_supervisor_killed_at_any_call_ends_its_pool_and_the_host_is_told(void**) {
    sweep_pool_kills(1);
}

void a_worker_killed_at_any_call_fails_its_task_at_most(void**) {
    sweep_pool_kills(2);
}

// ---- Workers that the system does not end with their supervisor --------------------------------

std::atomic<bool>* g_begun = nullptr;  // shared with the workers

/// A pool of one worker that never ends by itself, in which `plan` strikes before it has begun.
/// True if it is gone when the supervisor was killed and the host has noticed.
bool worker_goes(fault::Plan plan, bool& begun) {
    void* const page =
        mmap(nullptr, sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    g_begun = ::new (page) std::atomic<bool>(false);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    plan.nth = 1;
    plan.depth = 2;
    fault::arm(plan);
    Result<Pool> pool = Pool::create(PoolOptions().workers(1).initializer([] {
        g_begun->store(true);
        for (;;) { pause(); }
    }));
    test::assert_ok(pool);
    std::int32_t worker = 0;
    assert_int_equal(pool->worker_pids(&worker, 1), 1);
    const bool stops = plan.act == fault::Act::stop;
    assert_true(test::eventually([&] { return (stops && fault::struck()) || g_begun->load(); }));
    assert_int_equal(kill(pool->supervisor_pid(), SIGKILL), 0);
    test::assert_ok(pool->close());
    test::assert_code(pool->join(seconds(10)), Errc::pool_broken);
    fault::disarm();
    kill(worker, SIGCONT);  // It is our child now, and still unreaped.
    const bool gone = test::all_end();
    begun = g_begun->load();
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    munmap(page, sizeof(bool));
    return gone;
}

/// Of one worker, which its supervisor's end does not take along.
Pool make_untied_pool(PoolOptions options) {
    fault::Plan plan;
    plan.act = fault::Act::fail;
    plan.entry = "die_with_parent";
    plan.nth = 1;
    plan.depth = 2;
    fault::arm(plan);
    Result<Pool> pool = Pool::create(options.workers(1));
    test::assert_ok(pool);
    test::assert_ok(pool->apply([] {}));
    assert_true(fault::struck());
    fault::disarm();
    return *std::move(pool);
}

// The host does nothing about it here.
void an_idle_worker_that_cannot_be_tied_to_its_supervisor_goes_by_itself(void**) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    Pool pool = make_untied_pool(PoolOptions());
    std::int32_t worker = 0;
    assert_int_equal(pool.worker_pids(&worker, 1), 1);
    assert_int_equal(kill(pool.supervisor_pid(), SIGKILL), 0);
    assert_true(test::eventually([&] { return waitpid(worker, nullptr, WNOHANG) == worker; }));
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    test::assert_code(pool.apply([] {}), Errc::pool_broken);
}

// As long as the worker lives, the descriptor of the pool shows no end.
void wait_hears_of_a_broken_pool_whose_worker_cannot_be_tied_to_it(void**) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    Pool pool = make_untied_pool(PoolOptions().pollable());
    Future<void> endless = pool.apply_async([] {
                                   for (;;) { pause(); }
                               })
                               .expect("submitting");
    std::int32_t worker = 0;
    assert_int_equal(pool.worker_pids(&worker, 1), 1);
    int never[2];
    assert_int_equal(pipe(never), 0);
    const pid_t supervisor = pool.supervisor_pid();
    const pid_t killer = test::start_child([=] {
        test::sleep_ms(200);  // It sleeps by now, as a rule.
        return kill(supervisor, SIGKILL);
    });
    const std::int64_t before = test::now_ns();
    assert_int_equal(*wait({never[0], endless}, seconds(20)), 1);
    assert_true(test::now_ns() - before < 15000000000);  // At its end it looks once more.
    assert_int_equal(test::join_child(killer), 0);
    test::assert_code(endless.get(Timeout::no_wait()), Errc::pool_broken);
    kill(worker, SIGKILL);  // It may be gone: posix.
    assert_true(test::eventually([&] { return waitpid(worker, nullptr, WNOHANG) == worker; }));
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(never[0]);
    close(never[1]);
}

/// Whether the system ties them all, so that the host never has to.
bool are_tied(const char* what) {
    if (strcmp(port::kName, "posix") == 0) { return false; }
    test::not_run(what, "the kernel does it");
    return true;
}

void a_worker_that_cannot_be_tied_to_its_supervisor_is_ended_by_the_host(void**) {
    if (are_tied("a worker in its task is ended by the host")) { return; }
    fault::Plan plan;
    plan.act = fault::Act::fail;
    plan.entry = "die_with_parent";
    bool begun = false;
    assert_true(worker_goes(plan, begun));
    assert_true(begun);
}

// It had not yet proved that it lives when the host looked.
void a_worker_that_the_host_did_not_see_ends_before_it_initializes(void**) {
    if (are_tied("a worker that the host did not see ends")) { return; }
    fault::Plan plan;
    plan.act = fault::Act::stop;
    plan.entry = "proof_give";
    bool begun = false;
    assert_true(worker_goes(plan, begun));
    assert_true(fault::struck());
    assert_false(begun);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(whatever_call_fails_in_the_host_is_undone_and_a_retry_works),
        cmocka_unit_test(whatever_call_fails_in_a_child_or_supervisor_leaves_nothing),
        cmocka_unit_test(whatever_call_fails_in_a_worker_leaves_nothing),
        cmocka_unit_test(a_host_killed_at_any_call_leaves_no_daemon_worker_or_supervisor),
        cmocka_unit_test(a_supervisor_killed_at_any_call_ends_its_pool_and_the_host_is_told),
        cmocka_unit_test(a_worker_killed_at_any_call_fails_its_task_at_most),
        cmocka_unit_test(an_idle_worker_that_cannot_be_tied_to_its_supervisor_goes_by_itself),
        cmocka_unit_test(wait_hears_of_a_broken_pool_whose_worker_cannot_be_tied_to_it),
        cmocka_unit_test(a_worker_that_cannot_be_tied_to_its_supervisor_is_ended_by_the_host),
        cmocka_unit_test(a_worker_that_the_host_did_not_see_ends_before_it_initializes),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
