// Twenty cars wait while the traffic light is red: an Event, set while it is green.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static void traffic_light(Event& green) {
    say("red light", "红灯亮~");
    for (;;) {
        stage::take(1);
        say("green light", "绿灯亮~");
        green.set().expect("turning green");
        stage::take(3);
        green.clear().expect("turning red");
        say("red light", "红灯亮~");
    }
}

static void car(Event& green, int number) {
    if (!green.is_set()) {
        say("car%d waits", "car%d 在等待", number);
        green.wait().expect("waiting for the green light");
    }
    say("car%d passes", "car%d 通行了", number);
}

int main() {
    Event green = Event::create().expect("making the event");
    // A daemon: when all cars have passed, the light goes, to save power.
    Process light(ProcessOptions().daemon(), traffic_light, green);
    light.start().expect("starting the light");

    Process cars[20];
    for (int i = 0; i < 20; ++i) {
        stage::take(stage::between(0, 1));
        cars[i] = Process(car, green, i + 1);
        cars[i].start().expect("starting a car");
    }
    for (Process& each : cars) { each.join().expect("waiting for a car"); }
    say("the end ...", "程序结束 ... ");
}
