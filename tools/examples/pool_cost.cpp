// A pool against a process per task: making and ending a process costs, again and again.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>
#include <tools/examples/measure.hpp>

using namespace brood;
using stage::say;

constexpr int kTasks = 1000;

static int square(int number) {
    return number * number;
}

int main() {
    Array<int> results = Array<int>::create(kTasks).expect("making the array of results");
    double begin = measure::now();
    for (int i = 0; i < kTasks; ++i) {
        Process each([&results, i] { results[static_cast<std::size_t>(i)] = square(i); });
        each.start().expect("starting a process");
        each.join().expect("waiting for it");
    }
    const double by_process = (measure::now() - begin) / kTasks;

    begin = measure::now();
    Pool pool = Pool::create(PoolOptions().workers(1)).expect("making the pool");
    const double making = measure::now() - begin;
    begin = measure::now();
    for (int i = 0; i < kTasks; ++i) {
        if (*pool.apply(square, i) != results[static_cast<std::size_t>(i)]) { return 1; }
    }
    const double by_pool = (measure::now() - begin) / kTasks;

    say("%d tasks, each a multiplication, one after the other",
        "%d 个任务，每个做一次乘法，一个接一个", kTasks);
    say("a process for each: %8.1f us a task", "每个任务一个进程: 每个 %8.1f us", by_process * 1e6);
    say("a pool of one:      %8.1f us a task, and %.1f us to make it",
        "一个进程的池: 每个 %8.1f us, 建池 %.1f us", by_pool * 1e6, making * 1e6);
    say("the pool is %.0f times as fast, and has paid off after %.0f tasks",
        "池快 %.0f 倍, 过 %.0f 个任务就划算了", by_process / by_pool,
        making / (by_process - by_pool) + 1);
    std::puts("");
    say("For each process the system copies the tables of the caller's memory, makes a stack, a",
        "每建一个进程，系统要复制内存表、建立栈、");
    say("pid, an entry in its queues; when it ends all that goes, and somebody has to wait for it.",
        "分配pid、排进队列；结束时全部收回，还要有人等待它。");
    say("A pool does so once. After that a task is a message there and one back.",
        "进程池只做一次，之后一个任务就是一来一回两条消息。");
    say("For tasks of %.0f us the process costs as much as the task; of %.1f ms, a hundredth.",
        "任务长 %.0f us 时，建进程和任务一样贵; 长 %.1f ms 时，只占百分之一。", by_process * 1e6,
        by_process * 1e5);
}
