// Five hikers set off when all of them have come: a Barrier.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static void hike(int number, Barrier& everybody) {
    stage::take(stage::between(1, 3));
    say("hiker %d has come", "%d号队员到了", number);
    everybody.wait().expect("waiting for the others");
    say("hiker %d sets off", "%d号队员出发", number);
}

int main() {
    Barrier everybody =
        Barrier::create(5, [] { say("all are there", "人到齐了"); }).expect("making the barrier");
    Process hikers[5];
    for (int i = 0; i < 5; ++i) {
        hikers[i] = Process(hike, i + 1, everybody);
        hikers[i].start().expect("starting a hiker");
    }
}
