// A Connection over AF_UNIX with Python at the other end, beside Python at both: there and back,
// and one way.
#include <brood/client.hpp>
#include <brood/connection.hpp>

#include <string>

#include <signal.h>

#include "bench.hpp"

namespace {

constexpr int kRoundTrips = 20000;
constexpr int kSmall = 200000, kLarge = 400;
constexpr std::size_t kSmallBytes = 64, kLargeBytes = 1 << 20;

// The Python at the other end of both sides of a row: tells when it has got all, or echoes.
class Server {
public:
    Server() {
        char folder[] = "/tmp/brood-bench-XXXXXX";
        if (mkdtemp(folder) == nullptr) { bench::die("mkdtemp"); }
        folder_ = folder;
        const std::string script =
            "from multiprocessing.connection import Listener\n"
            "listener = Listener(\"" +
            path() +
            "\")\n"
            "while True:\n"
            "    end = listener.accept()\n"
            "    count = int(end.recv_bytes())\n"
            "    for i in range(count):\n"
            "        end.recv_bytes()\n"
            "    if count:\n"
            "        end.send_bytes(b\"all\")\n"
            "    else:\n"
            "        try:\n"
            "            while True:\n"
            "                end.send_bytes(end.recv_bytes())\n"
            "        except EOFError:\n"
            "            pass\n";
        pid_ = fork();
        if (pid_ < 0) { bench::die("fork"); }
        if (pid_ == 0) {
            execlp("python3", "python3", "-c", script.c_str(), static_cast<char*>(nullptr));
            _exit(127);
        }
        for (int tries = 0; tries < 500 && !is_there(); ++tries) { usleep(10000); }
    }
    ~Server() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        unlink(path().c_str());
        rmdir(folder_.c_str());
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    std::string path() const { return folder_ + "/socket"; }
    brood::Address address() const { return brood::Address::unix_path(path().c_str()); }
    bool is_there() const { return access(path().c_str(), F_OK) == 0; }

private:
    std::string folder_;
    pid_t pid_ = -1;
};

const Server* g_server = nullptr;

brood::Connection connect(int count) {
    brood::Connection end =
        brood::Client::connect(g_server->address(), brood::seconds(10)).expect("connecting");
    const std::string words = std::to_string(count);
    end.send_bytes(words.data(), words.size()).expect("sending");
    return end;
}
std::string python_connects(int count) {
    return "import time\n"
           "from multiprocessing.connection import Client\n"
           "end = Client(\"" +
           g_server->path() +
           "\")\n"
           "end.send_bytes(b\"" +
           std::to_string(count) + "\")\n";
}

double brood_round_trip() {
    brood::Connection end = connect(0);
    char message[kSmallBytes] = {};
    const double start = bench::now();
    for (int i = 0; i < kRoundTrips; ++i) {
        end.send_bytes(message, sizeof message).expect("sending");
        end.recv_bytes(message, sizeof message).expect("receiving");
    }
    return (bench::now() - start) / kRoundTrips * 1e6;
}
double python_round_trip() {
    return bench::python(python_connects(0) +
                         "message = bytes(64)\n"
                         "start = time.monotonic()\n"
                         "for i in range(20000):\n"
                         "    end.send_bytes(message)\n"
                         "    end.recv_bytes()\n"
                         "print((time.monotonic() - start) / 20000 * 1e6)\n");
}

// Thousands of messages a second.
double brood_sends(int count, std::size_t bytes) {
    static char message[kLargeBytes];
    brood::Connection end = connect(count);
    const double start = bench::now();
    for (int i = 0; i < count; ++i) { end.send_bytes(message, bytes).expect("sending"); }
    end.recv_bytes(message, sizeof message).expect("receiving");
    return count / (bench::now() - start) * 1e-3;
}
double python_sends(int count, std::size_t bytes) {
    const std::string n = std::to_string(count);
    return bench::python(python_connects(count) + "message = bytes(" + std::to_string(bytes) +
                         ")\n"
                         "start = time.monotonic()\n"
                         "for i in range(" +
                         n +
                         "):\n"
                         "    end.send_bytes(message)\n"
                         "end.recv_bytes()\n"
                         "print(" +
                         n + " / (time.monotonic() - start) * 1e-3)\n");
}

}  // namespace

int main() {
    using bench::Better;
    const Server server;
    if (!server.is_there()) {
        std::puts("not measured: connections beside Python's: no python3");
        return 0;
    }
    g_server = &server;
    constexpr const char* kPeer = "Python to Python";
    bench::row("Connection to Python, 64 B there and back", "us", kPeer, Better::lower, 1,
               brood_round_trip, python_round_trip);
    bench::row(
        "Connection to Python, 64 B one way", "k/s", kPeer, Better::higher, 1,
        [] { return brood_sends(kSmall, kSmallBytes); },
        [] { return python_sends(kSmall, kSmallBytes); });
    bench::row(
        "Connection to Python, 1 MiB one way", "GiB/s", kPeer, Better::higher, 1,
        [] { return brood_sends(kLarge, kLargeBytes) * 1000 / 1024; },
        [] { return python_sends(kLarge, kLargeBytes) * 1000 / 1024; });
}
