// What map() does, done by hand: a loop of apply_async() and get().
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static int square(int n) {
    return n * n;
}

int main() {
    Pool pool = Pool::create().expect("making the pool");
    const int test[] = {1, 2, 3, 4, 5, 6};

    int mapped[6];
    pool.map(square, test, mapped).expect("mapping");
    for (const int r : mapped) { say("map: %d", "map 返回: %d", r); }

    // One task at a time, as get() waits for it: map() has all of them run at the same time.
    for (const int i : test) {
        Future<int> res = pool.apply_async(square, i).expect("adding a task");
        say("by hand: %d", "循环返回: %d", res.get().expect("getting a result"));
    }
}
