// A process has one alarm clock: a later alarm replaces the earlier; SIGALRM ends it.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;
using stage::span;

static void live() {
    signals::alarm(milliseconds(span(60))).expect("setting the alarm");
    const Timeout left = signals::alarm(milliseconds(span(2))).expect("setting it anew");
    say("the alarm of 60 s is replaced by one of 2 s: %d ms were left of it",
        "后面的时钟时间会覆盖前面的: 60秒的时钟还剩%d毫秒, 现在是2秒",
        static_cast<int>(left.nanoseconds() / 1000000));
    say("I live on until it rings", "信号属于异步通信方式，不会影响进程的持续执行");
    signals::pause();
    say("not ended?", "没有终止?");
}

int main() {
    Process child(live);
    child.start().expect("starting the child");
    child.join().expect("joining the child");
    const int code = *child.exit_code();
    say("%s ended the child: exit code %d", "%s终止了子进程: exitcode是%d", signals::name(-code),
        code);
}
