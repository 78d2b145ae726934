// Ten buns go through a pipe to a consumer, who stops at the end of the stream.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static void consumer(Receiver<int>& pipe, const char* name) {
    while (const Result<int> bun = pipe.recv()) {
        say("%s has got bun %d", "%s 收到包子:%d", name, *bun);
    }
}

static void producer(Sender<int>& pipe, int count) {
    for (int i = 0; i < count; ++i) { pipe.send(i).expect("sending a bun"); }
    pipe.close();
}

int main() {
    auto [receiver, sender] = Pipe<int>::simplex().expect("making the pipe");
    // Each process keeps only the end that it uses, as the consumer's is moved into him.
    Process c1(consumer, std::move(receiver), "c1");
    c1.start().expect("starting the consumer");
    producer(sender, 10);
    c1.join().expect("waiting for the consumer");
    say("main process", "主进程");
}
