// apply() waits for each task; apply_async() adds them all, and they run side by side.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static void task(int id) {
    say("task %d begins", "任务 %d 开始执行", id);
    stage::take(stage::between(0, 2));
    say("task %d ends", "任务 %d 执行完毕", id);
}

int main() {
    Pool pool = Pool::create(PoolOptions().workers(3)).expect("making the pool");

    say("apply:", "同步添加，一次只能添加一个任务，前一任务完成之后，才开始下一个：");
    for (int id = 0; id < 3; ++id) { pool.apply(task, id).expect("running a task"); }

    say("apply_async:", "异步添加，会将任务全部添加到进程池中：");
    for (int id = 0; id < 3; ++id) { pool.apply_async(task, id).expect("adding a task"); }

    pool.close().expect("closing the pool");
    pool.join().expect("joining the pool");
}
