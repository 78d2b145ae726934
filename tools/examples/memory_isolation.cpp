// Each process has memory of its own: what a child does with the money, its parent does not see,
// unless the money lies in a Value.
#include <brood/brood.hpp>
#include <cstdio>

using namespace brood;

static int money = 100;

int main() {
    Value<int> shared = Value<int>::create(100).expect("making the shared money");
    Process child([&] {
        money = 666;
        shared.value() = 666;
        std::printf("child: %d, shared %d\n", money, shared.value());
    });
    child.start().expect("starting the child");
    child.join().expect("joining the child");
    std::printf("parent: %d, shared %d\n", money, shared.value());
}
