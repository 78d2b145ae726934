// Each process has memory of its own: what a child does with the money, its parent does not see,
// unless the money lies in a Value.
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
