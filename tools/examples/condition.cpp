// Guests wait at a counter for buns, and are told when there is one: a Condition.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

struct Counter {
    int buns = 0;
    bool closed = false;
};

static void guest(int number, Condition& changed, Value<Counter>& counter) {
    const ConditionLocked hold = changed.acquire();
    changed.wait_for([&] { return counter->buns > 0 || counter->closed; }).expect("waiting");
    if (counter->buns == 0) { return say("guest %d: closed", "客人%d: 关门了", number); }
    --counter->buns;
    say("guest %d has got a bun, %d left", "客人%d拿到包子, 还有%d个", number, counter->buns);
}

int main() {
    Condition changed = Condition::create().expect("making the condition");
    Value<Counter> counter = Value<Counter>::create().expect("making the counter");
    Process guests[5];
    for (int i = 0; i < 5; ++i) {
        guests[i] = Process(guest, i, changed, counter);
        guests[i].start().expect("starting a guest");
    }
    for (int i = 0; i < 3; ++i) {
        stage::take(1);
        const ConditionLocked hold = changed.acquire();
        ++counter->buns;
        say("the baker brings a bun", "师傅端来一个包子");
        changed.notify().expect("telling a guest");
    }
    stage::take(1);
    const ConditionLocked hold = changed.acquire();
    counter->closed = true;
    say("the baker closes", "师傅关门");
    changed.notify_all().expect("telling all guests");
}
