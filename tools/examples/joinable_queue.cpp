// Cooks leave when all that they made is eaten: a JoinableQueue, and daemons that eat.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;
using stage::words;

struct Food {
    Text<16> kind;
    int number;
};
using Counter = JoinableQueue<Food>;

static void consume(Counter& counter) {
    for (;;) {
        const Food food = counter.get().expect("taking food");
        stage::take(stage::between(1, 3));
        say("\033[45m%d eats %s%d\033[0m", "\033[45m%d 吃 %s%d\033[0m", this_process::id(),
            food.kind.c_str(), food.number);
        counter.task_done().expect("saying that it is eaten");
    }
}

static void produce(Counter& counter, const char* kind) {
    for (int i = 0; i < 10; ++i) {
        stage::take(stage::between(1, 3));
        counter.put(Food{kind, i}).expect("putting food on the counter");
        say("\033[44m%d has made %s%d\033[0m", "\033[44m%d 生产了 %s%d\033[0m", this_process::id(),
            kind, i);
    }
    counter.join().expect("waiting until all is eaten");
}

int main() {
    Counter counter = Counter::create().expect("making the counter");
    Process producers[] = {
        Process(produce, counter, words("bun", "包子")),
        Process(produce, counter, words("bone", "骨头")),
        Process(produce, counter, words("swill", "泔水")),
    };
    Process consumers[] = {
        Process(ProcessOptions().daemon(), consume, counter),
        Process(ProcessOptions().daemon(), consume, counter),
    };
    for (Process& producer : producers) { producer.start().expect("starting a producer"); }
    for (Process& consumer : consumers) { consumer.start().expect("starting a consumer"); }
    for (Process& producer : producers) { producer.join().expect("waiting for a producer"); }
    say("main", "主");
}  // The consumers end with main: nothing is left for them.
