// Synchronous or asynchronous, blocking or not: four ways to wait for four answers.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>
#include <tools/examples/measure.hpp>

using namespace brood;
using stage::say;

constexpr int kQuestions = 4;

static int answer(int question) {
    stage::take(0.1);
    return question + 1;
}

// Something else that the asker has to do, in small pieces.
static long g_pieces = 0;
static void do_a_piece() {
    measure::burn(0.0001);
    ++g_pieces;
}

static void ask_and_wait(Pool& pool) {
    for (int i = 0; i < kQuestions; ++i) { pool.apply(answer, i).expect("asking"); }
}

static void ask_and_look(Pool& pool) {
    for (int i = 0; i < kQuestions; ++i) {
        Future<int> future = pool.apply_async(answer, i).expect("asking");
        while (!future.ready()) {}
        future.get().expect("getting the answer");
    }
}

static void ask_all_and_wait(Pool& pool) {
    Future<int> all[kQuestions];
    for (int i = 0; i < kQuestions; ++i) { all[i] = pool.apply_async(answer, i).expect("asking"); }
    for (Future<int>& each : all) { each.get().expect("getting an answer"); }
}

static void ask_all_and_go_on(Pool& pool) {
    int got = 0;
    Future<int> all[kQuestions];
    for (int i = 0; i < kQuestions; ++i) {
        all[i] = pool.apply_async(answer, i).expect("asking");
        all[i].then([&got](int&) { ++got; }, [&got](const Error&) { ++got; });
    }
    while (got < kQuestions) {
        do_a_piece();
        pool.poll().ignore();  // calls what then() was given, of those answered
    }
}

static void study(Pool& pool, const char* english, const char* chinese, void (*way)(Pool&)) {
    g_pieces = 0;
    const double begin = measure::now(), cpu = measure::own_cpu();
    way(pool);
    say("%-28s %5.0f ms   its CPU %5.0f ms   other work done %5.0f ms",
        "%s %5.0f ms   自己用CPU %5.0f ms   其间做的别的事 %5.0f ms",
        stage::words(english, chinese), (measure::now() - begin) * 1000,
        (measure::own_cpu() - cpu) * 1000, static_cast<double>(g_pieces) * 0.1);
}

int main() {
    Pool pool = Pool::create(PoolOptions().workers(kQuestions)).expect("making the pool");
    say("%d questions, each answered after %d ms by a process of its own",
        "%d 个问题，各由一个进程在 %d ms 后回答", kQuestions, stage::span(0.1));
    study(pool, "synchronous, blocking:", "同步阻塞:    ", ask_and_wait);
    study(pool, "synchronous, non-blocking:", "同步非阻塞:  ", ask_and_look);
    study(pool, "asynchronous, blocking:", "异步阻塞:    ", ask_all_and_wait);
    study(pool, "asynchronous, non-blocking:", "异步非阻塞:  ", ask_all_and_go_on);
    std::puts("");
    say("Synchronous: ask, have the answer, ask the next: the answers' times add up.",
        "同步: 提交一个任务，等到结果再提交下一个，时间相加。");
    say("Asynchronous: ask all, take the answers as they come: they overlap.",
        "异步: 全部提交，结果好了再来取，时间重叠。");
    say("Blocking: who waits sleeps, and the CPU is free for others (not for this program).",
        "阻塞: 等待的进程睡眠，CPU让给别人。");
    say("Non-blocking: who waits runs on: it can look again and again, which burns the CPU for",
        "非阻塞: 等待的进程继续运行: 可以不停地查看，白白烧CPU，");
    say("nothing, or do something else meanwhile: asynchronous and non-blocking gets most done.",
        "也可以做别的事: 异步非阻塞效率最高。");
}
