// Goal: whichever call of the port fails while a manager's server is made, accepts, serves, or a
// client asks it, that is told, nothing is left (process, descriptor, name, object), and the next
// try works; a server goes on.
// Method: as test/core_fault_test.cpp, on each side in turn: the server's own process, that of a
// client there, and a client.
#include "fault_support.hpp"

#include "arena_check.hpp"
#include "remote_support.hpp"

using namespace remote_test;
using brood::RemoteDict;
using brood::RemoteLock;
using brood::RemoteQueue;
using brood::Result;

namespace {

const Folder* g_folder = nullptr;
const Manager* g_manager = nullptr;
/// Where the server of a test listens, and what it offers.
struct Place {
    Place() {
        g_folder = &folder;
        g_manager = &manager;
    }
    const Folder folder;
    const Manager manager = Manager::create(1u << 20).expect("making the manager");
};

constexpr Timeout kSoon = milliseconds(test::kSoonMs);

// ---- A client ----------------------------------------------------------------------------------

Status use_dict(RemoteManager& remote) {
    const auto dict = remote.dict<int, int>();
    if (!dict.ok()) { return dict.status(); }
    const Status set = dict->set(1, 5);
    if (!set.ok()) { return set; }
    const Status changed = dict->update(1, [](int& value) { ++value; });
    if (!changed.ok()) { return changed; }
    const Result<int> got = dict->get(1);
    if (!got.ok()) { return got.status(); }
    return *got == 6 ? Errc::ok : Errc::corrupt;
}

Status use_queue_and_lock(RemoteManager& remote) {
    const auto queue = remote.queue<int>(2);
    if (!queue.ok()) { return queue.status(); }
    const Status put = queue->put(7, kSoon);
    if (!put.ok()) { return put; }
    const Result<int> got = queue->get(kSoon);
    if (!got.ok()) { return got.status(); }
    if (*got != 7) { return Errc::corrupt; }
    const auto lock = remote.lock();
    if (!lock.ok()) { return lock.status(); }
    const Status taken = lock->take(kSoon);
    return taken.ok() ? lock->release() : taken;
}

Status as_a_client() {
    auto remote = RemoteManager::connect(g_folder->address(), socket_test::with_key(), kSoon);
    if (!remote.ok()) { return remote.status(); }
    const Status done = use_dict(*remote);
    return done.ok() ? use_queue_and_lock(*remote) : done;
}

// What a system says that is short of something; and ok, where there is another way.
bool is_a_shortage(Errc code) {
    for (const Errc known : {Errc::ok, Errc::too_many_files, Errc::no_memory, Errc::no_space,
                             Errc::unsupported, Errc::refused, Errc::too_many_processes}) {
        if (code == known) { return true; }
    }
    return false;
}

// One whose server may be struck: it is told why it is not served, and tries until it is. Nobody
// is there any more: fine.
int visit_until_served(std::atomic<int>& is_served) {
    alarm(test::kChildSeconds);
    for (int tries = 0; tries < 50; ++tries) {
        const Errc code = as_a_client().code();
        if (code == Errc::ok) {
            is_served.store(1);
            return 0;
        }
        if (code == Errc::not_found || code == Errc::refused) { return 0; }
        if (!is_a_shortage(code) && code != Errc::end_of_stream && code != Errc::peer_died) {
            print_error("a client was told %s\n", Status(code).error().text());
            return 1;
        }
    }
    return 1;
}

/// Runs `body` in a process that is `forks` away, where nobody is struck. Returns: the first of
/// those between, which ends as it does.
template <class F>
pid_t start_far_away(F body, int forks = 3) {
    const pid_t pid = fork();
    if (pid != 0) { return pid; }
    (void)brood::port::now_ns();  // Depth is counted where a process calls the port.
    if (forks == 1) { _exit(body()); }
    int status = 1;
    const pid_t next = start_far_away(body, forks - 1);
    _exit(waitpid(next, &status, 0) == next && status == 0 ? 0 : 1);
}

// ---- A server ----------------------------------------------------------------------------------

// What had no name went with its client: who makes others sweeps it.
bool is_in_order() {
    brood::detail::ManagedHandle last;
    for (int i = 0; i < 4; ++i) {
        const auto made = g_manager->dict<int, int>();
        if (!made.ok() || !made->drop().ok()) { return false; }
        last = *made;
    }
    const auto stats = g_manager->stats();
    return stats.ok() && stats->objects == 0 && test::arena_fault(last) == nullptr;
}

ManagerServerOptions options() {
    return ManagerServerOptions().listener(socket_test::keyed().replace_stale());
}

// Serves one client to its end, whatever it is told meanwhile. Returns: what that was.
Status as_a_server() {
    const test::Board<std::atomic<int>> is_served;
    Result<ManagerServer> server =
        ManagerServer::create(*g_manager, g_folder->address(), options());
    if (!server.ok()) { return server.status(); }
    const pid_t client = start_far_away([&] { return visit_until_served(*is_served); });
    Status first;
    const std::int64_t until = test::in_ms(test::kPatienceMs / 2);
    while (is_served->load() == 0 && test::now_ns() < until) {
        const Status served = server->serve(milliseconds(2));
        if (served.code() != Errc::timed_out && first.ok()) { first = served; }
    }
    server->close();
    fault::disarm();
    int status = 1;
    const bool has_ended = waitpid(client, &status, 0) == client && status == 0;
    const bool is_well = has_ended && is_served->load() != 0 && is_in_order();
    return is_well ? first : Status(Errc::corrupt);
}

void whatever_call_fails_in_a_server_is_told_and_it_serves_on(void**) {
    const Place place;
    test::sweep_calls(fault::Act::fail, 0, as_a_server, is_a_shortage,
                      [&] { return place.folder.count() == 0; });
}

// Posix: below the server is a guardian, and below that who serves.
void whatever_call_fails_in_one_who_serves_its_client_is_told(void**) {
    const Place place;
    const bool has_guardian = strcmp(brood::port::kName, "posix") == 0;
    for (std::uint32_t depth = 1; depth <= (has_guardian ? 2u : 1u); ++depth) {
        test::sweep_calls(fault::Act::fail, depth, as_a_server, is_a_shortage,
                          [&] { return place.folder.count() == 0; });
    }
}

// ---- A client of a server that is not struck ---------------------------------------------------

void whatever_call_fails_in_a_client_is_told_and_a_retry_works(void**) {
    const Place place;
    test::Handshake listens;
    const pid_t pid = test::start_child([&] {
        alarm(test::kChildSeconds);
        auto server = ManagerServer::create(place.manager, place.folder.address(), options());
        server.status().expect("making the server");
        listens.tell();
        server->serve().expect("serving");
        return 0;
    });
    assert_true(listens.await());
    test::sweep_calls(fault::Act::fail, 0, as_a_client, is_a_shortage,
                      [&] { return test::eventually([&] { return is_in_order(); }); });
    kill(pid, SIGKILL);
    assert_int_equal(test::join_child(pid), -SIGKILL);
    unlink(place.folder.path().c_str());
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(whatever_call_fails_in_a_server_is_told_and_it_serves_on),
        cmocka_unit_test(whatever_call_fails_in_one_who_serves_its_client_is_told),
        cmocka_unit_test(whatever_call_fails_in_a_client_is_told_and_a_retry_works),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
