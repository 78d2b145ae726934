// Goal: whichever call of the port fails while a listener is made, a client comes in or a message
// is sent, it is told, nothing is left open, and it works when it is done again; whoever is killed
// at any of them, the other end hears of it.
// Method: as test/core_fault_test.cpp, on each side in turn.
#include "fault_support.hpp"

#include "socket_support.hpp"

#include <brood/wait.hpp>

using namespace socket_test;

namespace {

const Folder* g_folder = nullptr;
constexpr Timeout kSoon = milliseconds(test::kSoonMs);

Address place() {
    return g_folder->address();
}

// The other side, which is not struck: it tries until it comes through, or nobody is there.
int visit_until_welcome() {
    alarm(test::kChildSeconds);
    for (int tries = 0; tries < 200; ++tries) {
        Result<Connection> end = Client::connect(place(), with_key(), kSoon);
        if (end.code() == Errc::not_found || end.code() == Errc::refused) { return 0; }
        if (!end.ok()) { continue; }
        char got[8];
        const Result<int> fd = end->recv_fd(kSoon);
        if (!fd.ok()) { continue; }
        close(*fd);
        if (end->recv_bytes(got, sizeof got, kSoon).ok()) { end->send_bytes(got, 5).ignore(); }
    }
    return 1;
}

Status talk_as_listener(Listener& listener) {
    Result<Connection> end = listener.accept(kSoon);
    if (!end.ok()) { return end.status(); }
    const Status passed = end->send_fd(1, kSoon);
    if (!passed.ok()) { return passed; }
    const Status sent = end->send_bytes("hello", 5, kSoon);
    if (!sent.ok()) { return sent; }
    char got[8];
    return end->recv_bytes(got, sizeof got, kSoon).status();
}

Status as_a_listener() {
    Result<Listener> listener = Listener::create(place(), keyed().replace_stale());
    if (!listener.ok()) { return listener.status(); }
    const pid_t client = fork();
    if (client == 0) {
        listener->close();
        _exit(visit_until_welcome());
    }
    if (client < 0) { return Errc::too_many_processes; }
    return talk_as_listener(*listener);
}

// A server that is not struck, in a process of its own.
class Server {
public:
    Server() {
        test::Handshake ready;
        pid_ = fork();
        if (pid_ == 0) {
            alarm(test::kChildSeconds);
            Listener listener = Listener::create(place(), keyed().replace_stale()).expect("there");
            ready.tell();
            for (;;) {
                Result<Connection> end = listener.accept();
                if (!end.ok()) { continue; }
                char got[8];
                if (end->send_fd(1).ok() && end->send_bytes("hello", 5).ok()) {
                    end->recv_bytes(got, sizeof got, kSoon).status().ignore();
                }
            }
        }
        is_ready_ = ready.await();
    }
    ~Server() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        unlink(g_folder->path().c_str());
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    bool is_ready() const { return is_ready_; }

private:
    pid_t pid_ = -1;
    bool is_ready_ = false;
};

Status as_a_client() {
    Result<Connection> end = Client::connect(place(), with_key(), kSoon);
    if (!end.ok()) { return end.status(); }
    const Result<int> fd = end->recv_fd(kSoon);
    if (!fd.ok()) { return fd.status(); }
    close(*fd);
    char got[8];
    const Result<std::size_t> bytes = end->recv_bytes(got, sizeof got, kSoon);
    return bytes.ok() ? end->send_bytes(got, *bytes, kSoon) : bytes.status();
}

bool is_a_shortage(Errc code) {
    for (const Errc known : {Errc::ok, Errc::too_many_files, Errc::no_memory, Errc::no_space,
                             Errc::unsupported, Errc::refused}) {
        if (code == known) { return true; }
    }
    return false;
}
bool is_empty() {
    return g_folder->count() == 0;
}

void whatever_call_fails_in_a_listener_is_told_and_a_retry_works(void**) {
    const Folder folder;
    g_folder = &folder;
    test::sweep_calls(fault::Act::fail, 0, as_a_listener, is_a_shortage, is_empty);
}

void whatever_call_fails_in_a_client_is_told_and_a_retry_works(void**) {
    const Folder folder;
    g_folder = &folder;
    const Server server;
    assert_true(server.is_ready());
    test::sweep_calls(fault::Act::fail, 0, as_a_client, is_a_shortage, [] { return true; });
}

// The client that a killed listener forked has the socket, too, until it closes it.
bool does_nobody_listen() {
    return test::eventually([] {
        const Errc code = Client::connect(place(), Timeout::no_wait()).code();
        return code == Errc::refused || code == Errc::not_found;
    });
}

// Killed at its n-th call of the port: n = 1, 2, 3 ...
template <class Work, class Ready>
void kill_at_every_call(Work work, Ready is_ready) {
    std::uint32_t nth = 1;
    for (bool was_struck = true; was_struck; ++nth) {
        assert_true(nth < test::kCallsMax);
        fault::Plan plan;
        plan.act = fault::Act::kill;
        plan.nth = nth;
        assert_true(is_ready());
        const int code = test::run_child([&] {
            alarm(test::kChildSeconds);
            fault::arm(plan);
            return work().ok() ? 0 : 1;
        });
        was_struck = code == -SIGKILL;
        if (!was_struck) { assert_int_equal(code, 0); }
    }
    print_message("killed at %u calls in turn\n", nth - 2);
    assert_true(nth > 10);
}

void a_client_killed_at_any_call_does_not_harm_the_listener(void**) {
    const Folder folder;
    g_folder = &folder;
    const Server server;
    assert_true(server.is_ready());
    kill_at_every_call(as_a_client, [] { return true; });
    assert_ok(as_a_client());
}

// What it leaves is replaced by the next.
void a_listener_killed_at_any_call_leaves_its_file_at_most(void**) {
    const Folder folder;
    g_folder = &folder;
    kill_at_every_call(as_a_listener, does_nobody_listen);
    assert_true(does_nobody_listen());
    assert_ok(as_a_listener());
    assert_int_equal(folder.count(), 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(whatever_call_fails_in_a_listener_is_told_and_a_retry_works),
        cmocka_unit_test(whatever_call_fails_in_a_client_is_told_and_a_retry_works),
        cmocka_unit_test(a_client_killed_at_any_call_does_not_harm_the_listener),
        cmocka_unit_test(a_listener_killed_at_any_call_leaves_its_file_at_most),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
