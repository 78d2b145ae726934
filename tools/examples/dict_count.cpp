// A hundred processes count down in a dictionary of a Manager, with a lock and without.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

using Counts = Dict<Text<16>, int>;

// d["count"] -= 1 is two steps. What others write between them is lost.
static void without_a_lock(Counts counts, Lock&) {
    const int count = counts.get("count").expect("reading the count");
    stage::take(0.01);
    counts.set("count", count - 1).expect("writing the count");
}

static void with_a_lock(Counts counts, Lock& lock) {
    const Locked hold = lock.acquire();
    without_a_lock(counts, lock);
}

static void by_update(Counts counts, Lock&) {
    counts.update("count", [](int& count) { --count; }).expect("updating the count");
}

static int count_after(void (*work)(Counts, Lock&), Counts counts, Lock& lock) {
    counts.set("count", 100).expect("writing the count");
    Process processes[100];
    for (Process& process : processes) {
        process = Process(work, counts, lock);
        process.start().expect("starting a process");
    }
    for (Process& process : processes) { process.join().expect("waiting for a process"); }
    return counts.get("count").expect("reading the count");
}

int main() {
    Lock lock = Lock::create().expect("making the lock");
    Manager manager = Manager::create().expect("making the manager");
    const Counts counts = manager.dict<Text<16>, int>().expect("making the dictionary");
    say("without a lock: {'count': %d}", "不加锁: {'count': %d}",
        count_after(without_a_lock, counts, lock));
    say("with a lock: {'count': %d}", "加锁: {'count': %d}",
        count_after(with_a_lock, counts, lock));
    say("by update(): {'count': %d}", "用update(): {'count': %d}",
        count_after(by_update, counts, lock));
}
