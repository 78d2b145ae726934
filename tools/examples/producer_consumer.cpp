// Cooks put food on a counter, eaters take it: four ways to end, of which one hangs.
#include <optional>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;
using stage::span;
using stage::words;

struct Food {
    Text<16> kind;
    int number;
};
using Counter = Queue<std::optional<Food>>;  // What is None in Python is std::nullopt.

static void produce(Counter& counter, const char* kind, int count) {
    for (int i = 0; i < count; ++i) {
        stage::take(stage::between(1, 3));
        counter.put(Food{kind, i}).expect("putting food on the counter");
        say("\033[44m%d has made %s%d\033[0m", "\033[44m%d 生产了 %s%d\033[0m", this_process::id(),
            kind, i);
    }
}

static void produce_and_say_so(Counter& counter, const char* kind, int count) {
    produce(counter, kind, count);
    counter.put(std::nullopt).expect("saying that this was all");
}

static void consume(Counter& counter) {
    while (const std::optional<Food> food = counter.get().expect("taking food")) {
        stage::take(stage::between(1, 3));
        say("\033[45m%d eats %s%d\033[0m", "\033[45m%d 吃 %s%d\033[0m", this_process::id(),
            food->kind.c_str(), food->number);
    }
}

static void nobody_says_so() {
    Counter counter = Counter::create().expect("making the counter");
    Process producer(produce, counter, words("bun", "包子"), 10);
    Process consumer(consume, counter);
    producer.start().expect("starting the producer");
    consumer.start().expect("starting the consumer");
    say("main", "主");
    producer.join().expect("waiting for the producer");
    while (!counter.empty()) { stage::take(1); }
    // For ever, without the time limit: the consumer waits for more.
    if (consumer.join(milliseconds(span(5))).code() == Errc::timed_out) {
        say("main: the consumer does not end", "主: 消费者一直不结束");
        consumer.terminate().expect("ending the consumer");
    }
}

static void the_producer_says_so() {
    Counter counter = Counter::create().expect("making the counter");
    Process producer(produce_and_say_so, counter, words("bun", "包子"), 10);
    Process consumer(consume, counter);
    producer.start().expect("starting the producer");
    consumer.start().expect("starting the consumer");
    say("main", "主");
}

static void the_main_process_says_so() {
    Counter counter = Counter::create().expect("making the counter");
    Process producer(produce, counter, words("bun", "包子"), 2);
    Process consumer(consume, counter);
    producer.start().expect("starting the producer");
    consumer.start().expect("starting the consumer");
    producer.join().expect("waiting for the producer");
    counter.put(std::nullopt).expect("saying that this was all");
    say("main", "主");
}

static void it_says_so_to_each_of_several() {
    Counter counter = Counter::create().expect("making the counter");
    Process producers[] = {
        Process(produce, counter, words("bun", "包子"), 2),
        Process(produce, counter, words("bone", "骨头"), 2),
        Process(produce, counter, words("swill", "泔水"), 2),
    };
    Process consumers[] = {Process(consume, counter), Process(consume, counter)};
    for (Process& producer : producers) { producer.start().expect("starting a producer"); }
    for (Process& consumer : consumers) { consumer.start().expect("starting a consumer"); }
    for (Process& producer : producers) { producer.join().expect("waiting for a producer"); }
    counter.put(std::nullopt).expect("saying that this was all");
    counter.put(std::nullopt).expect("saying that this was all");
    say("main", "主");
}

int main() {
    say("1. nobody says that this was all", "1. 没有结束信号: 主进程永远不会结束");
    nobody_says_so();
    say("2. the producer says so", "2. 生产者在生产完毕后发送结束信号None");
    the_producer_says_so();
    say("3. the main process says so", "3. 主进程在生产者生产完毕后发送结束信号None");
    the_main_process_says_so();
    say("4. to each of several", "4. 有几个消费者就需要发送几次结束信号");
    it_says_so_to_each_of_several();
}
