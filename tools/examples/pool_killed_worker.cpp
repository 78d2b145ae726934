// A worker of a pool is killed in the middle of a task, which another one does then.
#include <signal.h>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static int square(int number) {
    stage::take(1);
    return number * number;
}

int main() {
    Pool pool = Pool::create(PoolOptions().workers(3).retries(1)).expect("making the pool");
    Future<int> results[9];
    for (int i = 0; i < 9; ++i) {
        results[i] = pool.apply_async(square, i).expect("adding a task");
    }

    stage::take(1.5);  // Each worker is in the middle of its second task.
    WorkerStats workers[3];
    const std::size_t count = pool.worker_stats(workers, 3);
    say("%zu workers, kill -9 %d", "%zu 个工作进程, kill -9 %d", count, workers[1].pid);
    signals::send(workers[1].pid, SIGKILL).expect("killing a worker");

    for (int i = 0; i < 9; ++i) {
        say("%d squared is %d", "%d 的平方是 %d", i, results[i].get().expect("a result"));
    }
    const PoolStats stats = pool.stats().expect("asking the pool");
    say("%d worker was replaced", "替换了 %d 个工作进程", static_cast<int>(stats.replaced));
    pool.close().expect("closing");
    pool.join().expect("joining");
}
