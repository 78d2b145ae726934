// A pool of four processes does ten tasks: whoever is free takes the next.
#include <chrono>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static void task(int id) {
    const auto start = std::chrono::steady_clock::now();
    say(">>>> task %d begins, pid = %d", ">>>> %d 任务开始执行， pid = %d", id, this_process::id());
    stage::take(stage::between(0, 2));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    say(">>>> task %d ends, pid = %d, took %.2f s", ">>>> %d 任务执行完毕， pid = %d， 耗时：%.2f",
        id, this_process::id(), took.count());
}

int main() {
    say("parent pid = %d", "父进程pid = %d", this_process::id());

    Pool pool = Pool::create(PoolOptions().workers(4)).expect("making the pool");
    for (int id = 0; id < 10; ++id) { pool.apply_async(task, id).expect("adding a task"); }
    say("all tasks are added", "任务添加完成");

    pool.close().expect("closing the pool");
    pool.join().expect("joining the pool");
    say("all tasks are done", "任务执行完毕");
}
