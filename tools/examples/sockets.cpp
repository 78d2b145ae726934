// A client and a server talk over a local socket, then over one of the network.
#include <cstdio>
#include <cstring>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;
using stage::words;

static void answer(Listener& listener) {
    Connection client = listener.accept().expect("waiting for a client");
    char question[64] = {};
    client.recv_bytes(question, sizeof question - 1).expect("receiving");
    say("the server hears: %s", "服务端收到: %s", question);
    const char* const reply = words("hello, client", "你好, 客户端");
    client.send_bytes(reply, std::strlen(reply)).expect("answering");
}

static void talk(const Address& address) {
    Listener listener = Listener::create(address).expect("listening");
    Process server(answer, listener);
    server.start().expect("starting the server");

    Connection connection = Client::connect(listener.address()).expect("connecting");
    const char* const question = words("hello, server", "你好, 服务端");
    connection.send_bytes(question, std::strlen(question)).expect("sending");
    char reply[64] = {};
    connection.recv_bytes(reply, sizeof reply - 1).expect("waiting for an answer");
    say("the client hears: %s", "客户端收到: %s", reply);
}

int main() {
    char path[64];
    std::snprintf(path, sizeof path, "/tmp/brood-sockets-%d", this_process::id());
    say("a local socket", "本地套接字");
    talk(Address::unix_path(path));
    say("a network socket", "网络套接字");
    talk(Address::ip("127.0.0.1", 0));
}
