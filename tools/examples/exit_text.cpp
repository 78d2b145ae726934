// A process exits with a code, which its parent sees, and a text, as by Python's sys.exit().
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;
using stage::words;

int main() {
    Process child([] {
        say("child: I exit", "子进程: 退出进程");
        this_process::exit(3, words("child: this is my last word", "子进程: 退出时打印内容"));
    });
    child.start().expect("starting the child");
    child.join().expect("joining the child");
    say("parent: the child's exit code is %d", "父进程: 子进程的exitcode是%d", *child.exit_code());

    this_process::exit(0, words("parent: this is my last word", "父进程: 退出时打印内容"));
}
