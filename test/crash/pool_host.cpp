#include "pool_host.hpp"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <brood/wait.hpp>

#include "pool_care.hpp"
#include "tracee.hpp"

namespace crash {

Talk* talk = nullptr;

namespace {

using brood::Errc;
using brood::Pool;
using brood::PoolOptions;
using brood::Result;
using brood::Status;
using brood::TaskOptions;

constexpr std::int64_t kShortMs = 8, kSteppedMs = 150;

Numbers numbers_of(int task) {
    Numbers numbers;
    for (std::uint32_t i = 0; i < 8; ++i) {
        numbers.at[i] = static_cast<std::uint32_t>(task) * 977 + i * 40503u;
    }
    return numbers;
}
Numbers answer_to(const Numbers& numbers) {
    Numbers answer;
    for (int i = 0; i < 8; ++i) { answer.at[i] = ~numbers.at[7 - i]; }
    return answer;
}

Numbers count_run(int task, const Numbers& numbers) {
    talk->runs[task].fetch_add(1);
    return answer_to(numbers);
}
Numbers be_held(int task, const Numbers& numbers) {
    talk->runs[task].fetch_add(1);
    (task < kPoolTasks / 2 ? talk->hold : talk->other_hold).pass();
    return answer_to(numbers);
}

struct Item {
    int task;
    Numbers numbers;
};
Numbers count_item(const Item& item) {
    return count_run(item.task, item.numbers);
}

}  // namespace

bool PoolHost::make() {
    next_pool_is_careful = plan_.care != Care::none;
    PoolOptions options;
    options.workers(static_cast<std::uint32_t>(plan_.workers)).capacity(kPoolCapacity);
    if (plan_.act == Act::resize) { options.workers_max(3); }
    if (plan_.act == Act::map) { options.payload_bytes(112); }
    if (plan_.care == Care::retries) { options.retries(kRetries); }
    if (plan_.care == Care::timed) { options.task_timeout(brood::seconds(20)); }
    if (plan_.care == Care::worn) { options.max_tasks_per_child(1); }
    if (plan_.ear != Ear::bell) { options.pollable(); }
    talk_.place.shared.store(0);
    Result<Pool> made = Pool::create(options);
    is_over_ = !made.ok();
    if (is_over_) {
        const bool is_told = made.code() == Errc::pool_broken && is_broken();
        expect(is_told, Fault::wrong, "the pool could not be made");
        return false;
    }
    pool_ = std::move(*made);
    of_.is_closed = of_.is_terminated = false;
    talk_.place.is_of(pool_);
    return true;
}

// Null: refused, as it may be.
PoolHost::Future* PoolHost::put(Numbers (*task)(int, const Numbers&), const TaskOptions* options) {
    const int index = count_;
    if (index == kPoolTasks) {
        expect(false, Fault::wrong, "the scene has too many tasks");
        return nullptr;
    }
    Result<Future> made = options == nullptr
                              ? pool_.apply_async(task, index, numbers_of(index))
                              : pool_.apply_async(*options, task, index, numbers_of(index));
    if (made.ok()) {
        futures_[index] = std::move(*made);
        is_judged_[index] = false;
        ++count_;
        return &futures_[index];
    }
    // Another thread may have ended the pool.
    const bool is_told = (made.code() == Errc::pool_broken && is_broken()) ||
                         (made.code() == Errc::pool_closed && of_.is_closed) ||
                         (made.code() == Errc::pool_terminated && of_.is_terminated);
    expect(is_told, Fault::wrong, "a task was refused");
    is_over_ = true;
    return nullptr;
}

void PoolHost::submit(int count) {
    for (int i = 0; i < count && !is_over_; ++i) { put(&count_run); }
}

void PoolHost::open() {
    if (!make()) { return; }
    prepare();
    if (plan_.act != Act::create) { await_rest(); }  // There is no victim yet.
}

void PoolHost::prepare() {
    for (int i = 0; i < plan_.held; ++i) { put(&be_held); }
    const std::int64_t until = stage_.deadline();
    for (int i = first_; i < first_ + plan_.held; ++i) {
        while (talk_.runs[i].load() == 0 && !stage_.is_over(until)) { usleep(20); }
    }
    submit(plan_.before);
}

void PoolHost::await_rest() {
    const std::int64_t until = stage_.deadline();
    pid_t pids[16] = {talk_.place.supervisor.load()};
    for (bool is_calm = false; !is_calm && !stage_.is_over(until);) {
        const std::size_t count = 1 + pool_.worker_pids(pids + 1, 15);
        is_calm = true;
        for (std::size_t i = 0; i < count; ++i) { is_calm = is_calm && state_of(pids[i]) == 'S'; }
        if (!is_calm) { usleep(20); }
    }
}

void PoolHost::act() {
    const int last = count_ - 1;
    const std::int64_t ms = stage_.stepped ? kSteppedMs : kShortMs;
    switch (plan_.act) {
        case Act::create: open(); break;
        case Act::submit: submit(plan_.tasks); break;
        case Act::submit_to_full: {
            const auto made = pool_.apply_async(&count_run, 0, numbers_of(0));
            const bool is_told = made.code() == Errc::full ||
                                 (made.code() == Errc::pool_broken && is_broken());
            expect(is_told, Fault::wrong, "a full table took a task");
            break;
        }
        case Act::map: map(); break;
        case Act::get: get(last); break;
        case Act::wait_timed: {
            const Status waited = futures_[last].wait(brood::milliseconds(ms));
            const bool is_told = waited.ok() || waited.code() == Errc::timed_out ||
                                 (waited.code() == Errc::pool_broken && is_broken());
            expect(is_told, Fault::wrong, "it was refused to wait");
            break;
        }
        case Act::drop:
            futures_[last] = Future();
            is_judged_[last] = true;
            break;
        case Act::cancel:
            unwanted_ = last;
            expect(futures_[last].cancel().ok(), Fault::wrong, "it was refused to cancel");
            break;
        case Act::time_out: {
            const auto options = TaskOptions().timeout(brood::milliseconds(1));
            put(&be_held, &options);
            break;
        }
        case Act::close:
        case Act::join: {
            of_.is_closed = is_over_ = true;
            expect(pool_.close().ok(), Fault::wrong, "it could not be closed");
            if (plan_.act == Act::join) { leave_pool(); }
            break;
        }
        case Act::terminate:
            of_.is_terminated = is_over_ = true;
            expect(pool_.terminate().ok(), Fault::wrong, "it could not be terminated");
            break;
        case Act::resize: {
            const Status resized = pool_.resize(static_cast<std::uint32_t>(plan_.tasks));
            const bool is_told = resized.ok() ||
                                 (resized.code() == Errc::pool_broken && is_broken());
            expect(is_told, Fault::wrong, "it could not be resized");
            break;
        }
        case Act::nothing: break;
    }
    if (plan_.waits && count_ > first_) { get(count_ - 1); }
}

void PoolHost::get(int task) {
    Future& future = futures_[task];
    if (plan_.ear == Ear::wait) {
        int fds[2];
        if (pipe(fds) != 0) { abort(); }
        expect(brood::wait({fds[0], future}).ok(), Fault::wrong, "it was refused to wait");
        (void)close(fds[0]);
        (void)close(fds[1]);
    }
    while (plan_.ear == Ear::descriptor && !future.ready()) {
        pollfd item = {pool_.fileno(), POLLIN, 0};
        while (poll(&item, 1, -1) < 0) {}
        (void)pool_.poll().ok();
    }
    judge(task, future.get());
}

void PoolHost::leave_pool() {
    if (of_.is_closed) {
        const Status joined = pool_.join();
        const bool is_told = joined.ok() || (joined.code() == Errc::pool_broken && is_broken());
        expect(is_told, Fault::wrong, "join() tells of what was not");
    }
}

// Of more items than the table has room for.
void PoolHost::map() {
    constexpr int kItems = kPoolCapacity + 1;
    Item items[kItems];
    Numbers answers[kItems] = {};
    const int first = count_;
    for (; count_ < first + kItems; ++count_) {
        items[count_ - first] = {count_, numbers_of(count_)};
        is_judged_[count_] = true;
    }
    const Status mapped =
        pool_.map(&count_item, items, answers, kItems, brood::MapOptions().chunk_size(1));
    const bool is_told = mapped.ok() || (mapped.code() == Errc::pool_broken && is_broken()) ||
                         (mapped.code() == Errc::worker_died && talk_.deaths.load() > 0);
    expect(is_told, Fault::wrong, "a map ended as it cannot have");
    is_over_ = mapped.code() == Errc::pool_broken;
    const Numbers none = {};
    for (int i = 0; i < kItems; ++i) {
        const bool is_done = memcmp(&answers[i], &none, sizeof(none)) != 0;
        expect(is_done || !mapped.ok(), Fault::lost, "a map has left out one");
        if (is_done) { judge_result(first + i, answers[i]); }
    }
}

void PoolHost::judge_result(int task, const Numbers& got) {
    const std::uint32_t runs = talk_.runs[task].load();
    const Numbers right = answer_to(numbers_of(task));
    expect(memcmp(&got, &right, sizeof(right)) == 0, Fault::wrong, "a wrong result");
    expect(runs >= 1, Fault::lost, "a result of a task that never ran");
    const std::uint32_t most = plan_.care == Care::retries ? 1 + kRetries : 1;
    expect(runs <= most, Fault::duplicated, "a task ran twice");
}

void PoolHost::judge(int task, const Result<Numbers>& got) {
    if (is_judged_[task]) { return; }
    is_judged_[task] = true;
    if (got.ok()) {
        judge_result(task, *got);
        return;
    }
    bool is_told = false;
    switch (got.code()) {
        case Errc::worker_died:
            is_told = talk_.died.fetch_add(1) < talk_.deaths.load() &&
                      plan_.care != Care::retries && got.error().detail() == -9;
            break;
        case Errc::pool_broken:
            is_told = is_broken();
            is_over_ = true;
            break;
        case Errc::pool_terminated: is_told = of_.is_terminated; break;
        case Errc::cancelled: is_told = task == unwanted_; break;
        case Errc::task_timed_out: is_told = plan_.act == Act::time_out; break;
        default: break;
    }
    expect(is_told, Fault::wrong, "a task ended as it cannot have");
}

// Whether all of them ended well.
bool PoolHost::collect(int from) {
    bool all = true;
    for (int i = from; i < count_; ++i) {
        if (is_judged_[i]) { continue; }
        const Result<Numbers> got = futures_[i].get();
        all = all && got.ok();
        judge(i, got);
    }
    return all;
}

// Whoever else is killed meanwhile: not for ever.
void PoolHost::work() {
    for (int round = 0; round < 4; ++round) {
        if (is_over_ && !make()) { continue; }
        const int first = count_;
        submit(3);
        if (collect(first) && !is_over_) { return; }
    }
    expect(false, Fault::wrong, "no real work is done any more");
}

void PoolHost::finish() {
    talk_.hold.open();
    talk_.other_hold.open();
    collect(0);
    if (plan_.act != Act::join) { leave_pool(); }
    work();
    of_.is_closed = true;
    expect(pool_.close().ok(), Fault::wrong, "it could not be closed");
    leave_pool();
    pool_ = Pool();
}

}  // namespace crash
