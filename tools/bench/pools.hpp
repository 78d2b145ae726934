// What others offer in the place of a pool of processes, as one would use each.
#ifndef BROOD_TOOLS_BENCH_POOLS_HPP
#define BROOD_TOOLS_BENCH_POOLS_HPP

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench.hpp"

namespace bench {

/// What `measure` returns in a process of its own: threads that it leaves behind are in nobody's
/// way, and nobody forks where there are some.
template <class Measure>
double in_child(Measure&& measure) {
    const Shared<double> figure;
    const pid_t child = fork();
    if (child < 0) { die("fork"); }
    if (child == 0) {
        *figure = measure();
        _exit(0);
    }
    join(child);
    return *figure;
}

/// As python(), with `pool` and `square` there.
inline double python_with_pool(const std::string& lines) {
    return python(
        "import multiprocessing, time, concurrent.futures\n"
        "def square(n): return n * n\n"
        "pool = multiprocessing.Pool(2)\n" +
        lines + "pool.terminate()\n");
}

/// Processes that take tasks from one pipe and write results to another, in batches that a pipe
/// takes at once: what one would write by hand.
template <class Task>
class Prefork {
public:
    explicit Prefork(Task task) {
        if (pipe(tasks_) != 0 || pipe(results_) != 0) { die("pipe"); }
        for (pid_t& child : children_) {
            child = fork();
            if (child < 0) { die("fork"); }
            if (child != 0) { continue; }
            close(tasks_[1]);
            unsigned n = 0;
            while (read(tasks_[0], &n, sizeof n) == sizeof n) {
                n = task(n);
                if (write(results_[1], &n, sizeof n) != sizeof n) { _exit(1); }
            }
            _exit(0);
        }
    }
    ~Prefork() {
        for (const int fd : {tasks_[0], tasks_[1], results_[0], results_[1]}) { close(fd); }
        for (const pid_t child : children_) { waitpid(child, nullptr, 0); }
    }
    Prefork(const Prefork&) = delete;
    Prefork& operator=(const Prefork&) = delete;

    const pid_t (&children() const)[2] { return children_; }
    void submit(unsigned n) {
        if (write(tasks_[1], &n, sizeof n) != sizeof n) { die("write"); }
    }
    unsigned collect() {
        unsigned n = 0;
        if (read(results_[0], &n, sizeof n) != sizeof n) { die("read"); }
        return n;
    }

private:
    int tasks_[2], results_[2];
    pid_t children_[2];
};

/// Threads that take tasks from a queue under a mutex, and futures for their results.
class Threads {
public:
    Threads() {
        for (std::thread& thread : threads_) {
            thread = std::thread([this] { work(); });
        }
    }
    ~Threads() {
        {
            const std::lock_guard<std::mutex> hold(mutex_);
            over_ = true;
        }
        more_.notify_all();
        for (std::thread& thread : threads_) { thread.join(); }
    }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

    template <class Task>
    std::future<unsigned> submit(Task task, unsigned n) {
        std::packaged_task<unsigned()> call([=] { return task(n); });
        std::future<unsigned> result = call.get_future();
        {
            const std::lock_guard<std::mutex> hold(mutex_);
            calls_.push_back(std::move(call));
        }
        more_.notify_one();
        return result;
    }

private:
    void work() {
        for (;;) {
            std::packaged_task<unsigned()> call;
            {
                std::unique_lock<std::mutex> hold(mutex_);
                more_.wait(hold, [this] { return over_ || !calls_.empty(); });
                if (calls_.empty()) { return; }
                call = std::move(calls_.front());
                calls_.pop_front();
            }
            call();
        }
    }
    std::mutex mutex_;
    std::condition_variable more_;
    std::deque<std::packaged_task<unsigned()>> calls_;
    bool over_ = false;
    std::thread threads_[2];
};

}  // namespace bench

#endif
