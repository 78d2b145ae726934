// Each process has its own memory: money that a child changes stays as it was in its parent.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static int money = 100;

int main() {
    Value<int> shared = Value<int>::create(100).expect("making the shared money");
    Process child([&] {
        money = 666;
        shared.value() = 666;
        say("child: %d, shared %d", "子进程: %d, 共享 %d", money, shared.value());
    });
    child.start().expect("starting the child");
    child.join().expect("joining the child");
    say("parent: %d, shared %d", "父进程: %d, 共享 %d", money, shared.value());
}
