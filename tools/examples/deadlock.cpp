// Two eaters hold a lock each and want the other's: a deadlock, until one waits no longer.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;
using stage::span;

static void eat_with_noodles_first(Lock& noodles, Lock& fork, Barrier& both) {
    {
        const Locked bowl = noodles.acquire();
        say("jason has the noodles", "jason 抢到面条了");
        both.wait().expect("waiting until each has one");
        const Locked tool = fork.acquire(milliseconds(span(2)));
        if (tool.timed_out()) { say("jason puts the noodles back", "jason 不等了, 放下面条"); }
    }
    // Now in the same order as the other: so no deadlock comes to be.
    const Locked tool = fork.acquire();
    const Locked bowl = noodles.acquire();
    say("jason eats", "jason 吃面");
}

static void eat_with_fork_first(Lock& noodles, Lock& fork, Barrier& both) {
    const Locked tool = fork.acquire();
    say("egon has the fork", "egon 抢到叉子了");
    both.wait().expect("waiting until each has one");
    const Locked bowl = noodles.acquire();
    say("egon eats", "egon 吃面");
}

int main() {
    Lock noodles = Lock::create().expect("making a lock");
    Lock fork = Lock::create().expect("making a lock");
    Barrier both = Barrier::create(2).expect("making the barrier");
    Process jason(eat_with_noodles_first, noodles, fork, both);
    Process egon(eat_with_fork_first, noodles, fork, both);
    jason.start().expect("starting jason");
    egon.start().expect("starting egon");
}
