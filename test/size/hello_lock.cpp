// The smallest program with a lock: `make size` tells how large it is, and runs it. Its holder is
// killed, so that each libc must have told the kernel where its locks are.
#include <brood/lock.hpp>
#include <brood/process.hpp>

using namespace brood;

static Lock* g_lock;

int main() {
    Lock lock = Lock::create().expect("making the lock");
    g_lock = &lock;
    Process child([] {
        g_lock->take().expect("locking");
        for (;;) { g_lock->take().ignore(); }
    });
    child.start().expect("starting the child");
    while (!lock.acquire(Timeout::no_wait()).timed_out()) {}  // until the child has it
    child.kill().expect("killing the child");
    child.join().expect("joining the child");
    return lock.acquire(seconds(10)).owner_died() ? 0 : 1;
}
