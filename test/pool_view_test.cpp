// Goal: an announced pool can be seen by other programs of its user, and by nobody else, for as
// long as it lives; whoever is killed, nothing is left once somebody has looked; and no content of
// the shared object harms who reads it.
// Method: true pools in this process and in hosts that are killed; objects of the right name with
// wrong content, held by a child as a supervisor holds its own.
#include "pool_support.hpp"
#include "process_support.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <brood/pool_view.hpp>
#include <src/pool_board.hpp>

using namespace pool_test;
using brood::PoolReport;
using brood::PoolView;
using brood::WorkerState;
using brood::WorkerStats;
using brood::detail::PoolBoard;
using test::eventually;

namespace {

constexpr std::size_t kViewsMost = 32;

PoolOptions announced(std::uint32_t workers, const char* name = "test") {
    return PoolOptions().workers(workers).capacity(16).name(name).announce();
}
std::size_t names_in_memory() {
    return count_entries("/dev/shm", "brood-pool-");
}
std::size_t pools() {
    const Result<std::size_t> count = PoolView::list(nullptr, 0);
    assert_ok(count);
    return *count;
}
/// That of the pool whose supervisor it is.
PoolView view_of(pid_t supervisor) {
    char name[64];
    snprintf(name, sizeof name, "/brood-pool-%d-1", static_cast<int>(supervisor));
    const Result<PoolView> view = PoolView::open(name);
    assert_ok(view);
    assert_string_equal(view->object(), name);
    return *view;
}
PoolView view_of(const Pool& pool) {
    return view_of(pool.supervisor_pid());
}
PoolReport read(const PoolView& view, WorkerStats* workers = nullptr, std::size_t room = 0) {
    const Result<PoolReport> report = view.read(workers, room);
    assert_ok(report);
    return *report;
}

// ---- What is told ------------------------------------------------------------------------------

void a_pool_that_is_not_announced_leaves_no_name(void**) {
    const Pool pool = make_pool(PoolOptions().workers(1).name("hidden").timed());
    assert_int_equal(names_in_memory(), 0);
    assert_int_equal(pools(), 0);
}

void an_announced_pool_says_who_it_is(void**) {
    const mode_t before = umask(0);
    Pool pool = make_pool(announced(2, "a name that is much too long to be kept whole"));
    Pool other = make_pool(announced(1, "tab\tbell\a \x1b[2J \xc2\x9b \xc3\xa4"));
    umask(before);
    PoolView views[3];
    assert_int_equal(*PoolView::list(views, 3), 2);
    assert_int_equal(*PoolView::list(views, 1), 2);
    const PoolReport report = read(view_of(pool));
    assert_true(report.name == "a name that is much too long to");
    assert_int_equal(report.host_pid, getpid());
    assert_int_equal(report.supervisor_pid, pool.supervisor_pid());
    assert_int_equal(report.stats.workers, 2);
    assert_true(report.age_ms >= 0 && report.age_ms < test::kPatienceMs);
    assert_true(read(view_of(other)).name == "tab?bell? ?[2J ?? \xc3\xa4");
    struct stat status = {};
    char path[96];
    snprintf(path, sizeof path, "/dev/shm%s", view_of(pool).object());
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

void the_numbers_follow_what_the_pool_does(void**) {
    Pool pool = make_pool(announced(2));
    const PoolView view = view_of(pool);
    Future<int> futures[5];
    for (auto& future : futures) { future = pool.apply_async(wait_for_go, 7).expect("submitting"); }
    await_begun(2);
    WorkerStats workers[4];
    assert_true(eventually([&] {
        const PoolReport report = read(view, workers, 4);
        return report.stats.running == 2 && report.stats.queued == 3 && report.workers_listed == 2;
    }));
    const Processes processes(pool);
    for (std::uint32_t i = 0; i < 2; ++i) {
        assert_int_equal(workers[i].pid, processes.worker(i));
        assert_int_equal(workers[i].state, WorkerState::running);
        assert_true(workers[i].task < 16);
    }
    const std::int64_t so_far = workers[0].in_task_ms;
    assert_true(so_far >= 0);
    assert_true(eventually([&] {
        return read(view, workers, 1).workers_listed == 1 && workers[0].in_task_ms > so_far;
    }));
    let_go();
    for (auto& future : futures) { assert_int_equal(*future.get(kPatience), 7); }
    assert_true(eventually([&] {
        const PoolReport report = read(view, workers, 4);
        return report.stats.done == 5 && report.stats.running + report.stats.queued == 0 &&
               workers[0].tasks + workers[1].tasks == 5 && report.stats.progress_done == 5;
    }));
}

bool falls_asleep(pid_t pid) {
    return eventually([=] {
        const long before = test::switches_of(pid);
        test::sleep_ms(1300);  // Twice the period of a supervisor that writes, and more.
        return test::switches_of(pid) == before;
    });
}

void a_stopped_worker_is_told(void**) {
    Pool pool = make_pool(announced(1));
    const PoolView view = view_of(pool);
    const pid_t worker = Processes(pool).worker(0);
    (void)kill(worker, SIGSTOP);
    assert_true(eventually([&] { return read(view).stats.stopped == 1; }));
    (void)kill(worker, SIGCONT);
    assert_true(eventually([&] { return read(view).stats.stopped == 0; }));
}

void a_worker_keeps_nothing_of_it_open(void**) {
    const auto count = [] { return static_cast<int>(test::open_descriptors()); };
    Pool pool = make_pool(PoolOptions().workers(1).timed()), shown = make_pool(announced(1));
    assert_int_equal(*pool.apply(count), *shown.apply(count));
}

void a_quiet_pool_sleeps_and_a_task_wakes_it(void**) {
    Pool pool = make_pool(announced(1));
    const PoolView view = view_of(pool);
    for (int round = 0; round < 2; ++round) {
        assert_true(falls_asleep(pool.supervisor_pid()));
        g_talk->begun = g_talk->go = 0;
        Future<int> future = pool.apply_async(wait_for_go, 7).expect("submitting");
        await_begun(1);
        assert_true(eventually([&] { return read(view).stats.running == 1; }));
        let_go();
        assert_int_equal(*future.get(kPatience), 7);
        const auto done = static_cast<std::uint64_t>(round + 1);
        assert_true(eventually([&] { return read(view).stats.done == done; }));
    }
    // Nor does it miss what happens without a task.
    assert_true(falls_asleep(pool.supervisor_pid()));
    (void)kill(Processes(pool).worker(0), SIGKILL);
    assert_true(
        eventually([&] { return read(view).stats.replaced == 1 && read(view).stats.alive == 1; }));
}

// ---- Ends --------------------------------------------------------------------------------------

void a_pool_that_ends_takes_its_name_along(void**) {
    Pool closed = make_pool(announced(1)), ended = make_pool(announced(1));
    const PoolView first = view_of(closed), second = view_of(ended);
    assert_ok(closed.close());
    assert_ok(closed.join(kPatience));
    assert_code(first.read(), Errc::not_found);
    assert_int_equal(names_in_memory(), 1);
    assert_ok(ended.terminate());
    assert_code(second.read(), Errc::not_found);
    assert_int_equal(names_in_memory(), 0);
    const Result<Pool> failed = Pool::create(announced(1).initializer([] { return false; }));
    assert_true(eventually([] { return names_in_memory() == 0; }));
}

void children_of_the_host_and_dead_workers_leave_it_alone(void**) {
    Pool pool = make_pool(announced(2));
    const PoolView view = view_of(pool);
    shared_test::assert_child_exits(0, [&] {
        CHECK_IN_CHILD(view.read().ok());
        const Pool mine = std::move(pool);  // And ended here.
        CHECK_IN_CHILD(mine.stats().code() == Errc::wrong_process);
    });
    assert_ok(view.read());
    const Processes processes(pool);
    (void)kill(processes.worker(0), SIGKILL);
    assert_true(eventually([&] { return read(view).stats.replaced == 1; }));
    assert_int_equal(pools(), 1);
    // A task looks, too: to open and close the object in a worker does not take the supervisor's
    // hold of it.
    assert_true(*pool.apply([] { return PoolView::list(nullptr, 0).value_or(0) == 1; }));
    assert_int_equal(pools(), 1);
}

/// Starts a process group with a host in it that has an announced pool.
pid_t start_host(std::atomic<int>& supervisor) {
    supervisor = 0;
    const pid_t host = shared_test::start_child([&] {
        (void)setpgid(0, 0);
        Pool pool = Pool::create(announced(2)).expect("making a pool");
        supervisor = pool.supervisor_pid();
        for (;;) { (void)pool.apply(square, 3u); }
    });
    (void)setpgid(host, host);
    return host;
}
void await_host(const std::atomic<int>& supervisor) {
    assert_true(eventually([&] { return supervisor != 0; }));
}

void when_the_host_is_killed_the_name_goes(void**) {
    test::Board<std::atomic<int>> supervisor;
    const pid_t host = start_host(*supervisor);
    await_host(*supervisor);
    assert_int_equal(pools(), 1);
    kill_and_reap(host);
    assert_true(eventually([] { return names_in_memory() == 0; }));
}

void when_the_supervisor_is_killed_who_looks_cleans_up(void**) {
    Pool pool = make_pool(announced(1));
    const PoolView view = view_of(pool);
    (void)kill(pool.supervisor_pid(), SIGKILL);
    assert_true(eventually([&] { return test::has_ended(pool.supervisor_pid()); }));
    assert_int_equal(names_in_memory(), 1);
    assert_code(view.read(), Errc::not_found);
    assert_int_equal(names_in_memory(), 0);
}

void when_all_are_killed_who_looks_cleans_up(void**) {
    test::Board<std::atomic<int>> supervisor;
    const pid_t host = start_host(*supervisor);
    await_host(*supervisor);
    // So that it does not see its host's end.
    (void)kill(*supervisor, SIGSTOP);
    test::await_state(*supervisor, 'T');
    (void)kill(-host, SIGKILL);
    assert_int_equal(end_of(host), -SIGKILL);
    assert_true(eventually([&] { return test::has_ended(*supervisor); }));
    assert_int_equal(names_in_memory(), 1);
    assert_int_equal(pools(), 0);
    assert_int_equal(names_in_memory(), 0);
}

void a_stopped_supervisor_is_not_dead(void**) {
    Pool pool = make_pool(announced(1));
    const PoolView view = view_of(pool);
    (void)kill(pool.supervisor_pid(), SIGSTOP);
    test::await_state(pool.supervisor_pid(), 'T');
    for (int i = 0; i < 3; ++i) {
        assert_int_equal(pools(), 1);
        const Errc code = view.read().code();  // It may have been stopped while it wrote.
        assert_true(code == Errc::ok || code == Errc::not_ready);
    }
    (void)kill(pool.supervisor_pid(), SIGCONT);
    assert_true(eventually([&] { return view.read().ok(); }));
}

void killed_at_any_moment_nothing_is_left_once_somebody_looked(void**) {
    test::Board<std::atomic<int>> supervisor;
    shared_test::Chance chance(11);
    for (int round = 0; round < 40 / test::kForkShare; ++round) {
        const pid_t host = start_host(*supervisor);
        if (round % 2 == 0) {
            sleep_us(chance.below(6000));
        } else {
            await_host(*supervisor);
        }
        (void)kill(-host, SIGKILL);
        (void)end_of(host);
        // Those that were not in the group yet end with the host.
        assert_true(eventually([] { return pools() == 0 && names_in_memory() == 0; }));
        remove_name_of(host);
    }
}

void pools_that_come_and_go_are_seen_whole_or_not_at_all(void**) {
    test::Board<std::atomic<int>> over;
    const pid_t reader = shared_test::start_child([&] {
        PoolView views[kViewsMost];
        while (*over == 0) {
            const Result<std::size_t> count = PoolView::list(views, kViewsMost);
            CHECK_IN_CHILD(count.ok() && *count <= 2);
            for (std::size_t i = 0; i < *count; ++i) {
                const Result<PoolReport> report = views[i].read();
                const bool is_known = report.ok() || report.code() == Errc::not_found ||
                                      report.code() == Errc::not_ready;
                CHECK_IN_CHILD(is_known);
                CHECK_IN_CHILD(!report.ok() || report->name == "test");
                CHECK_IN_CHILD(!report.ok() || report->stats.done <= 3);
            }
        }
    });
    for (int round = 0; round < 60 / test::kForkShare; ++round) {
        Pool pool = make_pool(announced(1)), other = make_pool(announced(1));
        for (unsigned i = 0; i < 3; ++i) { assert_int_equal(*pool.apply(square, i), i * i); }
    }
    *over = 1;
    assert_int_equal(end_of(reader), 0);
    assert_int_equal(names_in_memory(), 0);
}

// ---- Hostile content ---------------------------------------------------------------------------

/// An object with the name of a board, whose lock a child holds.
class Forged {
public:
    explicit Forged(std::size_t bytes) : bytes_(bytes) {
        fd_ = shm_open(kName, O_RDWR | O_CREAT | O_EXCL, 0600);
        assert_true(fd_ >= 0);
        assert_int_equal(ftruncate(fd_, static_cast<off_t>(bytes)), 0);
        if (bytes > 0) {
            memory_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
            assert_true(memory_ != MAP_FAILED);
        }
        holder_ = shared_test::start_child([&] {
            struct flock lock = {};
            lock.l_type = F_WRLCK;
            CHECK_IN_CHILD(fcntl(fd_, F_SETLK, &lock) == 0);
            held_.tell();
            for (;;) { (void)pause(); }
        });
        assert_true(held_.await());
    }
    ~Forged() {
        release();
        if (memory_ != nullptr) { (void)munmap(memory_, bytes_); }
        (void)close(fd_);
        (void)shm_unlink(kName);
    }
    Forged(const Forged&) = delete;
    Forged& operator=(const Forged&) = delete;

    /// As when the supervisor dies.
    void release() {
        if (holder_ > 0) { kill_and_reap(holder_); }
        holder_ = 0;
    }
    int fd() const { return fd_; }
    unsigned char* bytes() { return static_cast<unsigned char*>(memory_); }
    PoolBoard& board() { return *static_cast<PoolBoard*>(memory_); }
    static constexpr const char* kName = "/brood-pool-0-forged";

private:
    test::Handshake held_;
    std::size_t bytes_;
    int fd_ = -1;
    void* memory_ = nullptr;
    pid_t holder_ = 0;
};

constexpr std::uint32_t kPlaces = 3;
constexpr std::size_t kBytes = PoolBoard::bytes_for(kPlaces);

void make_good(Forged& forged) {
    memset(forged.bytes(), 0, kBytes);
    auto& header = forged.board().header;
    header.layout_version = brood::kLayoutVersion;
    header.kind = static_cast<std::uint16_t>(brood::detail::SegmentKind::pool);
    header.element_bytes = sizeof(WorkerStats);
    header.header_bytes = PoolBoard::kWorkersAt;
    header.count = kPlaces;
    header.total_bytes = kBytes;
    forged.board().rows = kPlaces;
    memcpy(forged.board().name, "forged", 7);
    header.magic.store(brood::detail::kMagicReady);
}
Errc opened() {
    return PoolView::open(Forged::kName).code();
}

void a_board_that_is_not_what_it_says_is_refused(void**) {
    Forged forged(kBytes);
    using Change = void (*)(PoolBoard&);
    const struct {
        const char* what;
        Change change;
        Errc code;
    } rows[] = {
        {"a good one", [](PoolBoard&) {}, Errc::ok},
        {"no magic", [](PoolBoard& board) { board.header.magic = 0; }, Errc::not_ready},
        {"one that is made", [](PoolBoard& board) { board.header.magic = 0x9c3be1d7u; },
         Errc::not_ready},
        {"another magic", [](PoolBoard& board) { board.header.magic = 7; }, Errc::corrupt},
        {"another version", [](PoolBoard& board) { ++board.header.layout_version; },
         Errc::version_mismatch},
        {"an array", [](PoolBoard& board) { board.header.kind = 2; }, Errc::corrupt},
        {"other workers", [](PoolBoard& board) { ++board.header.element_bytes; }, Errc::corrupt},
        {"workers elsewhere", [](PoolBoard& board) { board.header.header_bytes = 192; },
         Errc::corrupt},
        {"no places", [](PoolBoard& board) { board.header.count = 0; }, Errc::corrupt},
        {"a place too many", [](PoolBoard& board) { ++board.header.count; }, Errc::corrupt},
        {"a place too many, of which all is told",
         [](PoolBoard& board) {
             ++board.header.count;
             board.header.total_bytes += sizeof(WorkerStats);
         },
         Errc::corrupt},
        {"2^61 places", [](PoolBoard& board) { board.header.count = std::uint64_t{1} << 61; },
         Errc::corrupt},
        {"another size", [](PoolBoard& board) { --board.header.total_bytes; }, Errc::corrupt},
        {"being written", [](PoolBoard& board) { board.version = 1; }, Errc::not_ready},
    };
    for (const auto& row : rows) {
        make_good(forged);
        row.change(forged.board());
        assert_error(opened(), row.code, row.what);
    }
}

void more_rows_than_places_are_cut_off(void**) {
    Forged forged(kBytes);
    make_good(forged);
    forged.board().rows = UINT32_MAX;
    memset(forged.board().name, 'x', sizeof forged.board().name);
    forged.board().worker[1].state = static_cast<WorkerState>(77);
    forged.board().worker[1].in_task_ms = INT64_MAX;
    forged.board().worker[1].task = 1;
    forged.board().begun_ns = UINT64_MAX;
    constexpr std::uint64_t kControls = 0x0101010101010101u;  // Behind the name, which has no end.
    forged.board().stats.queued = kControls;
    WorkerStats workers[kPlaces + 2];
    workers[kPlaces].pid = -5;
    const PoolReport report = read(*PoolView::open(Forged::kName), workers, kPlaces + 2);
    assert_int_equal(report.workers_listed, kPlaces);
    assert_int_equal(workers[kPlaces].pid, -5);
    assert_int_equal(workers[1].state, WorkerState::starting);
    assert_true(workers[1].in_task_ms == INT64_MAX);
    assert_int_equal(report.age_ms, 0);
    assert_true(report.looked_ms > 0);
    assert_int_equal(report.name.size(), PoolOptions::kNameBytes - 1);
    assert_true(report.stats.queued == kControls);
}

void times_are_told_as_of_the_look(void**) {
    Forged forged(kBytes);
    make_good(forged);
    const auto now = static_cast<std::uint64_t>(test::now_ns());
    forged.board().begun_ns = now - 7000000000u;
    forged.board().looked_ns = now - 5000000000u;
    WorkerStats* const written = forged.board().worker;
    written[0].task = 1;
    written[1].task = WorkerStats::kNoTask;
    written[0].in_task_ms = written[1].in_task_ms = 1000;
    WorkerStats workers[kPlaces];
    const PoolReport report = read(*PoolView::open(Forged::kName), workers, kPlaces);
    assert_in_range(report.age_ms, 7000, 7000 + test::kPatienceMs);
    assert_in_range(report.looked_ms, 5000, 5000 + test::kPatienceMs);
    assert_in_range(workers[0].in_task_ms, 6000, 6000 + test::kPatienceMs);
    assert_int_equal(workers[1].in_task_ms, 1000);
}

void objects_of_any_size_are_read_no_further_than_they_go(void**) {
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{1}, std::size_t{63}, PoolBoard::kWorkersAt - 1,
          PoolBoard::kWorkersAt, kBytes - 1, kBytes, kBytes + 1, std::size_t{1} << 20}) {
        Forged forged(bytes);
        if (bytes >= kBytes) { make_good(forged); }
        assert_int_equal(opened(), bytes < PoolBoard::kWorkersAt ? Errc::not_ready
                                   : bytes < kBytes              ? Errc::not_ready
                                                                 : Errc::ok);
    }
}

void mutations_never_harm_the_reader(void**) {
    Forged forged(kBytes);
    shared_test::Chance chance(5);
    WorkerStats workers[kPlaces];
    int read_well = 0;
    for (int round = 0; round < 20000; ++round) {
        make_good(forged);
        for (long flips = 1 + chance.below(6); flips > 0; --flips) {
            // Not the version: an odd one makes each look wait.
            std::size_t at = static_cast<std::size_t>(chance.below(kBytes));
            if (at >= 64 && at < 68) { at = 0; }
            forged.bytes()[at] = static_cast<unsigned char>(chance.next());
        }
        const Result<PoolView> view = PoolView::open(Forged::kName);
        if (!view.ok()) { continue; }
        const PoolReport report = read(*view, workers, kPlaces);
        read_well += report.workers_listed <= kPlaces && report.age_ms >= 0 ? 1 : 0;
    }
    assert_true(read_well > 1000);
}

void what_others_may_open_or_own_is_not_believed(void**) {
    Forged forged(kBytes);
    make_good(forged);
    assert_int_equal(opened(), Errc::ok);
    for (const mode_t mode : {0640u, 0604u, 0660u, 0620u}) {
        assert_int_equal(fchmod(forged.fd(), mode), 0);
        assert_int_equal(opened(), Errc::not_permitted);
        assert_int_equal(pools(), 0);
    }
    assert_int_equal(fchmod(forged.fd(), 0600), 0);
    if (fchown(forged.fd(), 12345, 12345) != 0) {
        return test::not_run("the object of another user", "needs root");
    }
    assert_int_equal(opened(), Errc::not_permitted);
    forged.release();
    assert_int_equal(pools(), 0);
    assert_int_equal(names_in_memory(), 1);  // It is not ours to remove.
}

void what_nobody_holds_is_removed_however_far_it_got(void**) {
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{4}, std::size_t{100}, kBytes}) {
        for (const bool is_good : {false, true}) {
            Forged forged(bytes);
            if (bytes == kBytes && is_good) { make_good(forged); }
            (void)pools();
            assert_int_equal(names_in_memory(), 1);
            forged.release();
            assert_int_equal(pools(), 0);
            assert_int_equal(names_in_memory(), 0);
        }
    }
}

void names_that_are_no_pools_are_refused(void**) {
    for (const auto& row : shared_test::kBadNames) {
        assert_error(PoolView::open(row.name).code(), row.wanted, row.name);
    }
    assert_code(PoolView::open("/other"), Errc::bad_argument);
    assert_code(PoolView::open("/brood-pool-1-none"), Errc::not_found);
    assert_code(PoolView().read(), Errc::not_found);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        POOL_TEST(a_pool_that_is_not_announced_leaves_no_name),
        POOL_TEST(an_announced_pool_says_who_it_is),
        POOL_TEST(the_numbers_follow_what_the_pool_does),
        POOL_TEST(a_stopped_worker_is_told),
        POOL_TEST(a_worker_keeps_nothing_of_it_open),
        POOL_TEST(a_quiet_pool_sleeps_and_a_task_wakes_it),
        POOL_TEST(a_pool_that_ends_takes_its_name_along),
        POOL_TEST(children_of_the_host_and_dead_workers_leave_it_alone),
        POOL_TEST(when_the_host_is_killed_the_name_goes),
        POOL_TEST(when_the_supervisor_is_killed_who_looks_cleans_up),
        POOL_TEST(when_all_are_killed_who_looks_cleans_up),
        POOL_TEST(a_stopped_supervisor_is_not_dead),
        POOL_TEST(killed_at_any_moment_nothing_is_left_once_somebody_looked),
        POOL_TEST(pools_that_come_and_go_are_seen_whole_or_not_at_all),
        POOL_TEST(a_board_that_is_not_what_it_says_is_refused),
        POOL_TEST(more_rows_than_places_are_cut_off),
        POOL_TEST(times_are_told_as_of_the_look),
        POOL_TEST(objects_of_any_size_are_read_no_further_than_they_go),
        POOL_TEST(mutations_never_harm_the_reader),
        POOL_TEST(what_others_may_open_or_own_is_not_believed),
        POOL_TEST(what_nobody_holds_is_removed_however_far_it_got),
        POOL_TEST(names_that_are_no_pools_are_refused),
    };
    return cmocka_run_group_tests_name("PoolView", tests, nullptr, nullptr);
}
