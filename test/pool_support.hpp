// What the tests of the pool have in common: pools, their processes, and the proof that all are
// gone.
#ifndef BROOD_TEST_POOL_SUPPORT_HPP
#define BROOD_TEST_POOL_SUPPORT_HPP

#include "shared_support.hpp"

#include <pthread.h>

#include <brood/pool.hpp>
#include <port/port.hpp>

#include <cstring>

namespace pool_test {

using namespace shared_test;
using brood::Errc;
using brood::Future;
using brood::Pool;
using brood::PoolOptions;
using brood::Result;
using brood::Status;
using brood::Timeout;
using test::assert_code;
using test::assert_ok;

/// No test waits longer for one thing that should be quick.
inline const Timeout kPatience = brood::seconds(20);

/// Promise 8: within a second.
inline constexpr int64_t kGoneMs = test::kSoonMs;

inline Pool make_pool(const PoolOptions& options) {
    Result<Pool> pool = Pool::create(options);
    assert_ok(pool);
    return std::move(*pool);
}
inline Pool make_pool(std::uint32_t workers, std::uint32_t capacity = 1024) {
    return make_pool(PoolOptions().workers(workers).capacity(capacity));
}

/// The supervisor and the workers, as of now.
struct Processes {
    static constexpr size_t kMost = 64;
    pid_t pid[kMost];
    size_t count = 0;

    explicit Processes(const Pool& pool) {
        pid[count++] = pool.supervisor_pid();
        count += pool.worker_pids(pid + 1, kMost - 1);
    }
    pid_t supervisor() const { return pid[0]; }
    pid_t worker(size_t index) const { return pid[1 + index]; }
    bool are_gone(int64_t within_ms = kGoneMs) const {
        return test::eventually(
            [&] {
                for (size_t i = 0; i < count; ++i) {
                    if (pid[i] != 0 && !test::has_ended(pid[i])) { return false; }
                }
                return true;
            },
            within_ms);
    }
};

/// A pipe whose write end the processes under test inherit: it ends when the last of them is gone,
/// whoever that is.
class LifeSign {
public:
    LifeSign() { assert_int_equal(pipe(ends_), 0); }
    ~LifeSign() {
        (void)close(ends_[0]);
        stop_holding();
    }
    LifeSign(const LifeSign&) = delete;
    LifeSign& operator=(const LifeSign&) = delete;

    /// In the test: after the fork of those who are to hold it.
    void stop_holding() {
        if (ends_[1] >= 0) { (void)close(ends_[1]); }
        ends_[1] = -1;
    }
    bool has_ended(int64_t within_ms = kGoneMs) const {
        pollfd item = {ends_[0], POLLIN, 0};
        int found = 0;
        do { found = poll(&item, 1, static_cast<int>(within_ms)); } while (found < 0);
        char byte = 0;
        return found == 1 && read(ends_[0], &byte, 1) == 0;
    }

private:
    int ends_[2];
};

/// POSIX knows no shared memory without a name: a process that is killed while it makes some may
/// leave an empty object (promise 18). That of `killed` is removed here.
inline void remove_name_of(pid_t killed) {
    char prefix[64] = "brood-anonymous-";
    char* place = prefix + strlen(prefix);
    for (auto rest = static_cast<unsigned>(killed); rest != 0; rest /= 16) {
        *place++ = "0123456789abcdef"[rest % 16];  // The lowest digit first, as the port has it.
    }
    *place = '-';
    DIR* const folder = opendir("/dev/shm");
    if (folder == nullptr) { return; }
    while (const dirent* entry = readdir(folder)) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0) { continue; }
        assert_string_equal(brood::port::kName, "posix");
        assert_int_equal(unlinkat(dirfd(folder), entry->d_name, 0), 0);
        test::not_run("a killed process leaves no name in /dev/shm", "posix: a moment remains");
    }
    (void)closedir(folder);
}

/// Runs f(index) in `count` threads and waits for all.
template <class F>
void in_threads(int count, F f) {
    struct Thread {
        pthread_t id;
        F* run;
        int index;
    };
    Thread threads[32];
    assert_true(count <= 32);
    for (int i = 0; i < count; ++i) {
        threads[i] = {{}, &f, i};
        const auto run = [](void* argument) -> void* {
            const Thread& thread = *static_cast<Thread*>(argument);
            (*thread.run)(thread.index);
            return nullptr;
        };
        assert_int_equal(pthread_create(&threads[i].id, nullptr, run, &threads[i]), 0);
    }
    for (int i = 0; i < count; ++i) { assert_int_equal(pthread_join(threads[i].id, nullptr), 0); }
}

/// Kills some worker every millisecond as long as it lives.
class Storm {
public:
    /// It has begun when this returns, however busy the machine is.
    explicit Storm(const Pool& pool) : pool_(pool) {
        assert_int_equal(pthread_create(&thread_, nullptr, &run, this), 0);
        while (kills_.load() == 0) { sleep_us(100); }
    }
    int stop() {
        over_.store(true);
        assert_int_equal(pthread_join(thread_, nullptr), 0);
        return kills_;
    }

private:
    static void* run(void* storm_pointer) {
        Storm& storm = *static_cast<Storm*>(storm_pointer);
        Chance chance(7);
        while (!storm.over_) {
            std::int32_t pids[16];
            const size_t count = storm.pool_.worker_pids(pids, 16);
            if (count > 0) {
                const pid_t pid = pids[chance.below(static_cast<long>(count))];
                storm.kills_ += kill(pid, SIGKILL) == 0 ? 1 : 0;
            }
            sleep_us(500 + chance.below(1000));
        }
        return nullptr;
    }
    const Pool& pool_;
    pthread_t thread_;
    std::atomic<bool> over_{false};
    std::atomic<int> kills_{0};
};

/// What tasks and tests tell each other. Made before any pool, so that every worker has it.
struct Talk {
    std::atomic<int> begun{0};
    std::atomic<int> go{0};
    std::atomic<int> ended{0};
    std::atomic<int> runs[200000];
};
inline Talk* g_talk = nullptr;

inline int fresh_talk(void** state) {
    static Board<Talk> board;
    g_talk = &*board;
    memset(static_cast<void*>(g_talk), 0, sizeof *g_talk);
    return remember(state);
}
#define POOL_TEST(test) cmocka_unit_test_setup_teardown(test, fresh_talk, nothing_left)

// Tasks. Each run of count_run(i) is counted, so that a second one shows.
inline int count_run(int index) {
    g_talk->runs[index].fetch_add(1);
    return index;
}
inline unsigned square(unsigned n) {
    return n * n;
}
/// Says that it has begun, and waits for `go`.
inline int wait_for_go(int value) {
    g_talk->begun.fetch_add(1);
    while (g_talk->go.load() == 0) { sleep_us(100); }
    g_talk->ended.fetch_add(1);
    return value;
}
inline void let_go() {
    g_talk->go.store(1);
}
inline void await_begun(int count) {
    assert_true(becomes(g_talk->begun, count));
}

}  // namespace pool_test

#endif
