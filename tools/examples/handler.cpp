// What a signal does: it is ignored, handled by a function, or ends the process by default.
#include <atomic>
#include <csignal>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static std::atomic<int> handled{0};

static void handler(int) {
    handled.fetch_add(1);  // Little else may be done in here.
}

static void interrupt() {
    signals::send(this_process::id(), SIGINT).expect("sending SIGINT");
}

static void live() {
    signals::ignore(SIGINT).expect("ignoring SIGINT");
    interrupt();
    say("ignored: I live on", "忽略: 进程继续执行");

    signals::on(SIGINT, handler).expect("handling SIGINT");
    interrupt();
    say("handled, %d time: I live on", "处理, %d次: 进程继续执行", handled.load());

    signals::by_default(SIGINT).expect("handling SIGINT no more");
    interrupt();
    say("not ended?", "没有终止?");
}

int main() {
    Process child(live);
    child.start().expect("starting the child");
    child.join().expect("joining the child");
    say("by default: it ended, exit code %d", "默认处理: 终止, exitcode是%d", *child.exit_code());
}
