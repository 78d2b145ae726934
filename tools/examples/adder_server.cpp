// A server adds the two numbers of each question that comes through a pipe, and answers.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

using Numbers = Pair<int, int>;

static void adder(Duplex<int, Numbers>& server) {
    while (const Result<Numbers> question = server.recv()) {
        const auto [x, y] = *question;
        server.send(x + y).expect("answering");
    }
    say("server done", "server done");
}

int main() {
    auto [client, server] = Pipe<Numbers, int>::duplex().expect("making the pipe");
    Process c1(adder, std::move(server));
    c1.start().expect("starting the server");

    client.send({10, 20}).expect("asking");
    say("%d", "%d", client.recv().expect("hearing the answer"));
    client.close();  // So the server hears that there is no more.

    c1.join().expect("waiting for the server");
    say("main process", "主进程");
}
