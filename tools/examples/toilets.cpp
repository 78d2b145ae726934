// Thirteen users share five toilets: who comes too early waits at the Semaphore.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static void go(Semaphore& toilets, int user) {
    const Permit toilet = toilets.acquire();
    say("user%d has got a toilet", "user%d 占到一个茅坑", user);
    stage::take(stage::between(0, 3));
    say("user%d leaves it", "user%d 出来了", user);
}

int main() {
    Semaphore toilets = Semaphore::create(5).expect("making the semaphore");
    Process users[13];
    for (int i = 0; i < 13; ++i) {
        users[i] = Process(go, toilets, i);
        users[i].start().expect("starting a user");
    }
    for (Process& user : users) { user.join().expect("waiting for a user"); }
    say("============>", "============》");
}
