// Goal: clients that send garbage, nothing, old words, or stop anywhere, are turned away within
// their time; they take bounded memory and descriptors, and hold up nobody else.
// Method: one thread that accepts; strangers by the hundred; honest clients who measure.
#include "process_support.hpp"
#include "socket_support.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include <brood/this_process.hpp>
#include <brood/wait.hpp>

using namespace socket_test;
using test::child;
using test::join_child;

namespace {

// Accepts until an honest client says "end"; answers what others say.
int serve(Listener& listener) {
    for (;;) {
        Result<Connection> end = listener.accept(kLong);
        CHILD_EXPECT(end.ok());
        char got[16];
        const Result<std::size_t> bytes = end->recv_bytes(got, sizeof got, kLong);
        if (!bytes.ok()) { continue; }
        if (*bytes == 3 && memcmp(got, "end", 3) == 0) { return 0; }
        end->send_bytes(got, *bytes, kLong).ignore();
    }
}

// How long an honest client takes to come through and be answered, in microseconds.
std::int64_t visit(const Address& address, const char* word = "hello") {
    const std::int64_t before = test::now_ns();
    Connection end = Client::connect(address, with_key(), kLong).expect("connecting");
    assert_ok(end.send_bytes(word, strlen(word), kLong));
    char got[16] = {};
    if (strcmp(word, "end") != 0) {
        assert_int_equal(*end.recv_bytes(got, sizeof got, kLong), strlen(word));
    }
    return (test::now_ns() - before) / 1000;
}
std::int64_t median_visit(const Address& address) {
    std::vector<std::int64_t> times;
    for (int i = 0; i < 9; ++i) { times.push_back(visit(address)); }
    std::nth_element(times.begin(), times.begin() + 4, times.end());
    return times[4];
}

// Promise 22, by the numbers of the issue: of 100 who connect and say nothing, or a byte now and
// then, the 101st hears nothing.
void a_hundred_slow_clients_do_not_hold_up_the_next(void**) {
    const Folder folder;
    for (const Address& address : {folder.address(), Address::ip("127.0.0.1", 0)}) {
        Listener listener = Listener::create(address, keyed()).expect("listening");
        const pid_t server = child([&] { return serve(listener); });
        const std::int64_t usual = median_visit(listener.address());
        std::vector<std::unique_ptr<Stranger>> slow;
        for (int i = 0; i < 100; ++i) {
            slow.push_back(std::make_unique<Stranger>(listener.address()));
        }
        for (const auto& one : slow) { assert_int_equal(one->read_frame().size(), 59); }
        const std::int64_t besides = median_visit(listener.address());
        const char frame[] = {0, 0, 0, 40, '{', 's', 'h'};
        for (const char& byte : frame) {
            for (const auto& one : slow) { assert_true(one->write(&byte, 1)); }
            visit(listener.address());
        }
        print_message("a visit: %d us alone, %d us beside 100 slow ones\n", static_cast<int>(usual),
                      static_cast<int>(besides));
        assert_true(besides < usual * 10 + 20000);
        visit(listener.address(), "end");
        assert_int_equal(join_child(server), 0);
    }
}

// As many as the table has room for are kept; of more, the oldest go, and honest ones come through.
void more_than_there_is_room_for_push_out_the_oldest(void**) {
    const Folder folder;
    Listener listener =
        Listener::create(folder.address(), keyed().pending_max(4).backlog(64)).expect("listening");
    std::vector<std::unique_ptr<Stranger>> slow;
    const std::size_t before = test::open_descriptors();
    for (int i = 0; i < 10; ++i) {
        slow.push_back(std::make_unique<Stranger>(folder.address()));
        assert_code(listener.accept(milliseconds(1)), Errc::timed_out);
        assert_int_equal(listener.pending(), i < 4 ? i + 1 : 4);
    }
    assert_int_equal(listener.refused(), 6);
    assert_int_equal(test::open_descriptors(), before + 10 + 4);
    for (int i = 0; i < 6; ++i) { assert_true(slow[static_cast<std::size_t>(i)]->is_closed()); }
    const pid_t honest = child([&] {
        Result<Connection> end = Client::connect(folder.address(), with_key(), kLong);
        CHILD_EXPECT(end.ok());
        return 0;
    });
    assert_ok(listener.accept(kLong));
    assert_int_equal(join_child(honest), 0);
    assert_int_equal(listener.refused(), 7);
}

void who_takes_too_long_is_turned_away(void**) {
    const Folder folder;
    Listener listener =
        Listener::create(folder.address(), keyed().handshake_timeout(milliseconds(100)))
            .expect("listening");
    const Stranger silent(folder.address()), slow(folder.address());
    const pid_t drop = child([&] {
        for (const char byte : {'\0', '\0', '\0'}) {
            slow.write(&byte, 1);
            test::sleep_ms(50);
        }
        return 0;
    });
    const std::int64_t before = test::now_ms();
    while (listener.refused() < 2) {
        assert_code(listener.accept(milliseconds(20)), Errc::timed_out);
        assert_true(test::now_ms() - before < test::kPatienceMs);
    }
    assert_in_range(test::now_ms() - before, 90, test::kSoonMs);
    assert_true(silent.is_closed() && slow.is_closed());
    assert_int_equal(listener.pending(), 0);
    assert_int_equal(join_child(drop), 0);
}

void garbage_is_turned_away_at_once(void**) {
    const Folder folder;
    const std::string prefix = "{sha256}";
    const std::string garbage[] = {std::string("\0\0\0\0", 4),
                                   std::string("\0\0\1\1", 4),
                                   "\xff\xff\xff\xff",
                                   "\x7f\xff\xff\xff",
                                   "GET / HTTP/1.1\r\n\r\n",
                                   "\x16\x03\x01",
                                   std::string("\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", 12)};
    Listener listener = Listener::create(folder.address(), keyed()).expect("listening");
    const pid_t server = child([&] { return serve(listener); });
    for (const std::string& words : garbage) {
        const Stranger stranger(folder.address());
        assert_int_equal(stranger.read_frame().size(), 59);
        assert_true(stranger.write(words.data(), words.size()));
        if (words.size() >= 4) {
            const std::int64_t before = test::now_ms();
            assert_true(stranger.is_closed());
            assert_true(test::now_ms() - before < test::kSoonMs);
        }
        visit(folder.address());
    }
    // Frames of any kind, at any step; a hundred of each.
    test::Random random(9);
    for (int round = 0; round < 300; ++round) {
        const Stranger stranger(folder.address());
        stranger.read_frame();
        std::string message = round % 3 == 0 ? prefix : "";
        for (std::uint32_t i = random.below(250); i > 0; --i) {
            message += static_cast<char>(random.next());
        }
        if (message.empty()) { continue; }
        assert_true(stranger.write_frame(message));
        assert_string_equal(stranger.read_frame().c_str(), "#FAILURE#");
        assert_string_equal(stranger.read_frame().c_str(), "");
    }
    visit(folder.address(), "end");
    assert_int_equal(join_child(server), 0);
}

// What an honest client said, said again by another.
void an_old_handshake_opens_nothing(void**) {
    const Folder folder;
    Listener listener = Listener::create(folder.address("true"), keyed()).expect("listening");
    Listener between = Listener::create(folder.address("between")).expect("listening");
    const pid_t server = child([&] { return serve(listener); });
    const pid_t honest = child([&] {
        Client::connect(folder.address("between"), with_key(), kLong).status().ignore();
        return 0;
    });
    // One between them, who lets them talk and writes it down.
    std::string response, challenge, verdict;
    {
        const Stranger there(folder.address("true"));
        Connection here = between.accept(kLong).expect("accepting");
        const auto pass_on = [&] {
            const std::string words = there.read_frame();
            assert_ok(here.send_bytes(words.data(), words.size(), kLong));
        };
        const auto pass_back = [&] {
            char words[300];
            const std::size_t bytes = *here.recv_bytes(words, sizeof words, kLong);
            assert_true(there.write_frame(std::string(words, bytes)));
            return std::string(words, bytes);
        };
        pass_on();
        response = pass_back();
        pass_on();
        challenge = pass_back();
        pass_on();
        verdict = pass_back();
    }
    assert_int_equal(join_child(honest), 0);
    assert_string_equal(verdict.c_str(), "#WELCOME#");
    for (int again = 0; again < 3; ++again) {
        const Stranger thief(folder.address("true"));
        thief.read_frame();
        assert_true(thief.write_frame(response));
        assert_string_equal(thief.read_frame().c_str(), "#FAILURE#");
        assert_true(thief.is_closed());
    }
    visit(folder.address("true"), "end");
    assert_int_equal(join_child(server), 0);
}

void a_close_at_each_byte_of_the_handshake_harms_nobody(void**) {
    const Folder folder;
    Listener listener = Listener::create(folder.address(), keyed()).expect("listening");
    const std::size_t before = test::open_descriptors();
    const pid_t server = child([&] { return serve(listener); });
    for (std::size_t cut = 0; cut < 48; ++cut) {
        const Stranger stranger(folder.address());
        const std::string frame = std::string("\0\0\0\x28{sha256}", 12) + std::string(36, 'x');
        assert_true(cut == 0 || stranger.write(frame.data(), cut));
        if (cut % 8 == 0) { visit(folder.address()); }
    }
    visit(folder.address(), "end");
    assert_int_equal(join_child(server), 0);
    assert_int_equal(test::open_descriptors(), before);
}

void a_thousand_clients_come_through(void**) {
    const Folder folder;
    constexpr int kClients = 1000, kProcesses = 8;
    for (const bool has_key : {true, false}) {
        Listener listener =
            Listener::create(folder.address(), has_key ? keyed().backlog(64) : ListenerOptions())
                .expect("listening");
        std::vector<pid_t> processes;
        for (int i = 0; i < kProcesses; ++i) {
            processes.push_back(child([&] {
                for (int one = 0; one < kClients / kProcesses; ++one) {
                    Result<Connection> end = Client::connect(
                        folder.address(), has_key ? with_key() : ClientOptions(), kLong);
                    CHILD_EXPECT(end.ok());
                    char got[8];
                    CHILD_EXPECT(end->recv_bytes(got, sizeof got, kLong).value_or(0) == 5);
                }
                return 0;
            }));
        }
        const std::size_t before = test::open_descriptors();
        for (int i = 0; i < kClients; ++i) {
            Connection end = listener.accept(kLong).expect("accepting");
            assert_ok(end.send_bytes("hello", 5, kLong));
        }
        for (const pid_t process : processes) { assert_int_equal(join_child(process), 0); }
        assert_int_equal(listener.refused(), 0);
        assert_int_equal(test::open_descriptors(), before);
    }
}

// And of 500 at a time, each has its own.
void many_connections_are_open_at_a_time(void**) {
    const Folder folder;
    Listener listener = Listener::create(folder.address()).expect("listening");
    std::vector<Connection> clients, servers;
    for (int i = 0; i < 400; ++i) {
        Ends ends = connect_ends(listener);
        clients.push_back(std::move(ends.client));
        servers.push_back(std::move(ends.server));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) { check_talk(clients[i], servers[i]); }
}

// Clients killed at any time, in the handshake or after it, by the dozen.
void clients_killed_at_any_time_harm_nobody(void**) {
    const Folder folder;
    Listener listener = Listener::create(folder.address(), keyed()).expect("listening");
    const pid_t server = child([&] { return serve(listener); });
    test::Random random(2);
    for (int round = 0; round < 40; ++round) {
        const pid_t victim = child([&] {
            for (;;) {
                Result<Connection> end = Client::connect(folder.address(), with_key(), kLong);
                if (end.ok()) { end->send_bytes("hello", 5).ignore(); }
            }
            return 1;
        });
        const timespec pause = {0, static_cast<long>(random.below(8000000))};
        nanosleep(&pause, nullptr);
        assert_int_equal(test::killed(victim), -SIGKILL);
        if (round % 8 == 0) { visit(folder.address()); }
    }
    visit(folder.address(), "end");
    assert_int_equal(join_child(server), 0);
}

// A listener that is killed in the middle of handshakes: the clients hear it at once.
void a_listener_that_is_killed_is_an_end_of_the_stream(void**) {
    const Folder folder;
    Listener listener = Listener::create(folder.address(), keyed()).expect("listening");
    const pid_t server = child([&] {
        listener.accept(kLong).status().ignore();
        return 1;
    });
    listener.close();
    // Removed by us, who made it: its clients were there before.
    assert_code(Client::connect(folder.address(), with_key(), kLong), Errc::not_found);
    assert_int_equal(test::killed(server), -SIGKILL);

    test::Board<std::atomic<int>> is_listening;
    const pid_t other = child([&] {
        Listener mine = Listener::create(Address::unix_path(folder.path("other").c_str()), keyed())
                            .expect("listening");
        is_listening->store(1);
        for (;;) { pause(); }
        return 1;
    });
    assert_true(test::eventually([&] { return is_listening->load() == 1; }));
    const pid_t killer = child([=] {
        test::sleep_ms(100);
        return kill(other, SIGKILL);
    });
    const std::int64_t before = test::now_ms();
    assert_code(Client::connect(folder.address("other"), with_key(), Timeout::forever()),
                Errc::end_of_stream);
    assert_true(test::now_ms() - before < test::kSoonMs);
    assert_int_equal(join_child(killer), 0);
    assert_int_equal(join_child(other), -SIGKILL);
    assert_int_equal(unlink(folder.path("other").c_str()), 0);
}

// ---- Keys --------------------------------------------------------------------------------------

// Whether the page at `address` is left out of core dumps: "dd" in its VmFlags.
bool is_hidden(const void* address) {
    FILE* const maps = fopen("/proc/self/smaps", "re");
    assert_non_null(maps);
    char line[512];
    bool is_here = false, is_hidden = false;
    while (fgets(line, sizeof line, maps) != nullptr) {
        unsigned long begin = 0, end = 0;
        if (sscanf(line, "%lx-%lx ", &begin, &end) == 2) {
            const auto at = reinterpret_cast<unsigned long>(address);
            is_here = at >= begin && at < end;
        } else if (is_here && strncmp(line, "VmFlags:", 8) == 0) {
            is_hidden = strstr(line, " dd") != nullptr;
        }
    }
    fclose(maps);
    return is_hidden;
}

// Where the key stands in memory that this process can write, outside of the test's own copy.
std::vector<const char*> places_of(const char* key, std::size_t bytes) {
    std::vector<const char*> found;
    FILE* const maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    static char line[512];
    while (fgets(line, sizeof line, maps) != nullptr) {
        unsigned long begin = 0, end = 0;
        char rights[8] = {};
        if (sscanf(line, "%lx-%lx %7s", &begin, &end, rights) != 3 || rights[1] != 'w') {
            continue;
        }
        const char* at = reinterpret_cast<const char*>(begin);
        const char* const last = reinterpret_cast<const char*>(end) - bytes;
        for (; at <= last; ++at) {
            if (*at == *key && memcmp(at, key, bytes) == 0) {
                if (at != key) { found.push_back(at); }
            }
        }
    }
    fclose(maps);
    return found;
}

// Pitfall 40: while it listens the key is in its own page, which no core dump shows, and nowhere
// else; afterwards it is nowhere.
void a_key_is_hidden_and_wiped(void**) {
    if (test::kSanitized) {
        return test::not_run("a look at all memory", "the sanitizer forbids it");
    }
    const Folder folder;
    const Address address = folder.address();
    assert_int_equal(
        test::run_child([&] {
            static char key[24] = {};  // Made here, so that it is nowhere else.
            for (std::size_t i = 0; i < sizeof key; ++i) {
                key[i] = static_cast<char>(200 - 7 * static_cast<int>(i));
            }
            {
                alignas(ListenerOptions) static unsigned char room[sizeof(ListenerOptions)];
                ListenerOptions* const options = ::new (room) ListenerOptions;
                Result<Listener> listener =
                    Listener::create(address, options->authkey(key, sizeof key));
                CHILD_EXPECT(listener.ok());
                options->~ListenerOptions();
                const pid_t peer = fork();
                if (peer == 0) {
                    const Result<Connection> end =
                        Client::connect(address, ClientOptions().authkey(key, sizeof key), kLong);
                    CHILD_EXPECT(end.ok());
                    // Inherited from the listener; of the client nothing is left.
                    for (const char* const place : places_of(key, sizeof key)) {
                        CHILD_EXPECT(is_hidden(place) || brood::port::kName[0] == 'p');
                    }
                    _exit(0);
                }
                CHILD_EXPECT(listener->accept(kLong).ok());
                int status = 1;
                CHILD_EXPECT(waitpid(peer, &status, 0) == peer && status == 0);
                const std::vector<const char*> places = places_of(key, sizeof key);
                CHILD_EXPECT(places.size() == 1);
                CHILD_EXPECT(is_hidden(places[0]) || brood::port::kName[0] == 'p');
            }
            CHILD_EXPECT(places_of(key, sizeof key).empty());
            return 0;
        }),
        0);
}

void the_key_of_the_process_is_hidden_from_core_dumps(void**) {
    if (brood::port::kName[0] == 'p') {
        return test::not_run("keys are kept out of core dumps", "POSIX has no say in them");
    }
    if (test::kSanitized) {
        return test::not_run("a look at all memory", "the sanitizer forbids it");
    }
    assert_int_equal(test::run_child([&] {
                         const brood::Result<brood::AuthKey> key = brood::this_process::authkey();
                         CHILD_EXPECT(key.ok());
                         static char copy[32];
                         memcpy(copy, key->data(), sizeof copy);
                         int hidden = 0;
                         for (const char* const place : places_of(copy, sizeof copy)) {
                             hidden += is_hidden(place) ? 1 : 0;
                         }
                         CHILD_EXPECT(hidden == 1);  // Beside what we made of it on the stack.
                         return 0;
                     }),
                     0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_slow_clients_do_not_hold_up_the_next),
        cmocka_unit_test(more_than_there_is_room_for_push_out_the_oldest),
        cmocka_unit_test(who_takes_too_long_is_turned_away),
        cmocka_unit_test(garbage_is_turned_away_at_once),
        cmocka_unit_test(an_old_handshake_opens_nothing),
        cmocka_unit_test(a_close_at_each_byte_of_the_handshake_harms_nobody),
        cmocka_unit_test(a_thousand_clients_come_through),
        cmocka_unit_test(many_connections_are_open_at_a_time),
        cmocka_unit_test(clients_killed_at_any_time_harm_nobody),
        cmocka_unit_test(a_listener_that_is_killed_is_an_end_of_the_stream),
        cmocka_unit_test(a_key_is_hidden_and_wiped),
        cmocka_unit_test(the_key_of_the_process_is_hidden_from_core_dumps),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
