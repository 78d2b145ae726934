// Lists the signals, as kill -l, and ends a child by two of them, as os.kill(pid, sig).
#include <csignal>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

int main() {
    for (const signals::Info& signal : signals::all()) {
        say("%2d %-9s by default: %-11s %s", "%2d %-9s 默认处理: %-11s %s", signal.number,
            signal.name, signal.by_default, signal.meaning);
    }
    for (const int signal : {SIGTERM, SIGKILL}) {
        Process child([] { signals::pause(); });
        child.start().expect("starting the child");
        signals::send(child.pid(), signal).expect("sending the signal");
        child.join().expect("joining the child");
        say("%s was sent: the child's exit code is %d", "发送%s: 子进程的exitcode是%d",
            signals::name(signal), *child.exit_code());
    }
}
