// A server adds the two numbers of each question that comes through a pipe, and answers.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

using Numbers = Pair<int, int>;

static void adder(Duplex<int, Numbers>& client) {
    while (const Result<Numbers> question = client.recv()) {
        const auto [x, y] = *question;
        client.send(x + y).expect("answering");
    }
    say("server done", "server done");
}

int main() {
    auto [server, client] = Pipe<Numbers, int>::duplex().expect("making the pipe");
    Process c1(adder, std::move(client));
    c1.start().expect("starting the server");

    server.send({10, 20}).expect("asking");
    say("%d", "%d", server.recv().expect("hearing the answer"));
    server.close();

    c1.join().expect("waiting for the server");
    say("main process", "主进程");
}
