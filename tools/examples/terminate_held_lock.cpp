// A process is terminated while it holds a lock: the next one gets it, and is told.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static void hold_for_ever(Lock& lock, Event& held) {
    const Locked hold = lock.acquire();
    say("the child has the lock", "子进程上锁");
    held.set().expect("telling that it is held");
    signals::pause();
}

int main() {
    Lock lock = Lock::create().expect("making the lock");
    Event held = Event::create().expect("making the event");
    Process p(hold_for_ever, lock, held);
    p.start().expect("starting the child");
    held.wait().expect("waiting until it has the lock");
    p.terminate().expect("terminating the child");
    p.join().expect("joining the child");

    // Python's lock is never released now, and whoever waits for it waits for ever.
    const Locked hold = lock.acquire(seconds(5));
    if (hold.timed_out()) { say("the lock was not released: deadlock", "锁不会被释放: 死锁"); }
    if (hold.owner_died()) {
        say("I have the lock: its owner died, so I look at what it guards",
            "主进程上锁: 持有锁的进程已被终止, 先检查数据");
    }
}
