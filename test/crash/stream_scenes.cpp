// A new scene is a line of one of the plans below. The victim has one end, a peer the other, and
// perhaps a sibling the victim's, too. Messages are letters: 'a' goes before, 'b' is the one of the
// operation, 'c' goes behind it, 's' is the sibling's, 'k' is an answer.
#include "stream_scenes.hpp"

#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include <brood/client.hpp>
#include <brood/listener.hpp>
#include <port/port.hpp>

#include "../shared_pages.hpp"
#include "server_host.hpp"

namespace crash {
namespace {

using brood::Address;
using brood::Client;
using brood::Connection;
using brood::Errc;
using brood::Listener;
using brood::Result;
using brood::Status;

enum class Deed { send, receive, close };

struct StreamPlan {
    const char* name;
    bool is_socket;
    Deed deed;
    std::size_t bytes = 100;
    bool waits = false;      // for the peer to read, or to send
    bool is_shared = false;  // with a sibling
    std::size_t share = 20;  // In short: one of so many blows; 0: none.
};

// One write takes 4096 bytes, a pipe 65536, a socket some 200 000.
constexpr StreamPlan kPlans[] = {
    {"stream: send", true, Deed::send, 100, false, false, 10},
    {"stream: send, several writes", true, Deed::send, 10000, false, false, 0},
    {"stream: send, no room for all of it", true, Deed::send, 400000, true, false, 10},
    {"stream: send, another has this end, too", true, Deed::send, 100, false, true, 0},
    {"stream: send several writes, another has this end", true, Deed::send, 10000, false, true},
    {"stream: receive", true, Deed::receive, 100, false, false, 10},
    {"stream: receive, has to wait", true, Deed::receive, 100, true, false, 0},
    {"stream: receive, the peer waits for room", true, Deed::receive, 400000},
    {"stream: receive, another has this end, too", true, Deed::receive, 100, false, true, 10},
    {"stream: close", true, Deed::close},
    {"pipe: send", false, Deed::send, 100, false, false, 0},
    {"pipe: send, no room for all of it", false, Deed::send, 200000, true},
    {"pipe: send several writes, another has this end", false, Deed::send, 10000, false, true},
    {"pipe: receive", false, Deed::receive, 100, false, false, 0},
    {"pipe: receive, the peer waits for room", false, Deed::receive, 200000, false, false, 0},
    {"pipe: receive, another has this end, too", false, Deed::receive, 10000, false, true},
};

// What the processes of a scene share, all zero at first.
struct StreamTalk {
    std::atomic<int> got[128];  // how often a letter came
    std::atomic<int> is_killed;
    std::atomic<int> is_torn;  // One was told that a peer had died in the middle.
    std::atomic<int> is_up;
    Gate go, end;
};

constexpr char kKey[] = "a key that both know";
constexpr std::size_t kRoom = 500000;
char buffer[kRoom];  // Of each process its own.

// Its length is told by its letter, so a message that is put together wrong is none.
std::size_t bytes_of(const StreamPlan& plan, char letter) {
    switch (letter) {
        case 'a': return 90;
        case 'b': return plan.bytes;
        case 'c': return 150;  // Longer than most that may be taken for its beginning.
        case 's': return 70;
        default: return 5;
    }
}

bool is_death(Errc code) {
    return code == Errc::end_of_stream || code == Errc::peer_died || code == Errc::broken_pipe;
}

void complain(Stage& stage, int self, const char* text) {
    stage.complain(Fault::wrong, text, self);
}

class StreamScene : public Scene {
public:
    explicit StreamScene(const StreamPlan& plan) : plan_(plan) {
        static auto* const pages = static_cast<StreamTalk*>(test::shared_pages(sizeof(StreamTalk)));
        talk_ = pages;
    }

    const char* name() const override { return plan_.name; }
    std::size_t rounds() const override { return 2; }
    std::size_t short_share() const override { return plan_.share; }
    bool is_left_out_in_short() const override { return plan_.share == 0; }
    std::size_t recoveries() const override { return 0; }  // A sibling is there, and sees to it.
    std::vector<int> crowds() const override { return {1}; }

    void set(Stage& stage) override {
        memset(static_cast<void*>(talk_), 0, sizeof(*talk_));
        close_ends();
        make_ends();
        stage.start([this, &stage](int self) {
            left_.close();
            be_peer(stage, self);
        });
        if (plan_.is_shared) {
            stage.start([this, &stage](int self) {
                right_.close();
                talk_->go.pass();
                be_sibling(stage, self);
            });
        }
        stage.settle();
    }

    // ---- In the victim.
    void victim_before(Stage& stage) override {
        right_.close();
        if (plan_.deed == Deed::send) { send(stage, Board::kVictim, left_, 'a'); }
        if (plan_.deed == Deed::receive) { receive(stage, Board::kVictim, left_); }
        if (plan_.deed == Deed::send) { memset(buffer, 'b', plan_.bytes); }
    }
    void victim_acts(Stage&) override {
        switch (plan_.deed) {
            case Deed::send: status_ = left_.send_bytes(buffer, plan_.bytes); break;
            case Deed::receive: received_ = left_.recv_bytes(buffer, kRoom); break;
            case Deed::close: left_.close(); break;
        }
    }
    void victim_after(Stage& stage, int self) override {
        if (plan_.deed == Deed::receive) {
            look_at(stage, self, received_);
            if (!plan_.is_shared) {
                receive(stage, self, left_);
                send(stage, self, left_, 'k');
            }
        } else if (plan_.deed == Deed::send) {
            stage.check(status_.ok(), Fault::wrong, "the victim could not send", self);
            send(stage, self, left_, 'c');
        }
        left_.close();
    }

    // ---- In the tracer.
    void victim_ready(Stage& stage) override {
        close_ends();  // Nobody else has them, so that they end with their processes.
        stage.settle();
    }
    bool victim_sleeps(Stage& stage, int) override {
        stage.gate(0).open();
        return true;
    }
    // The sibling comes, and goes as far as it can.
    void meanwhile(Stage& stage, pid_t, int) override {
        stage.gate(0).open();
        talk_->go.open();
        stage.settle();
    }
    void reckon(Stage&, pid_t) override { talk_->is_killed.store(1); }
    void others_end(Stage& stage) override {
        stage.open_all();
        talk_->go.open();
        if (plan_.deed == Deed::receive) { talk_->end.open(); }
        stage.end(0, "a peer waits on");
        talk_->end.open();
        if (plan_.is_shared) { stage.end(1, "a sibling waits on"); }
    }
    void newcomers(Stage&) override {}
    void account(Stage& stage, bool victim_lives) override {
        for (const auto& times : talk_->got) {
            stage.check(times.load() <= 1, Fault::duplicated, "a message came twice");
        }
        if (plan_.deed == Deed::send) {
            stage.check(came('a'), Fault::lost, "what was sent before is lost");
        }
        if (plan_.deed == Deed::close) { return; }
        const bool is_whole = victim_lives && came('b') && came('c');
        stage.check(is_whole || !victim_lives, Fault::lost, "a message is lost");
        // Of a dead reader: the one that it had taken, or, if it was just taking it, all.
        const bool has_other = came('b') || came('c') || talk_->is_torn.load() != 0;
        const bool is_heir = plan_.deed == Deed::receive && plan_.is_shared;
        stage.check(has_other || !is_heir, Fault::lost, "a message is lost with another");
    }

private:
    bool came(char letter) const { return talk_->got[static_cast<int>(letter)].load() == 1; }
    void close_ends() {
        left_.close();
        right_.close();
    }
    void make_ends() {
        if (!plan_.is_socket) {
            auto pair = Connection::pipe().expect("pipes");
            left_ = std::move(pair.first);
            right_ = std::move(pair.second);
            return;
        }
        Listener listener = Listener::create(server_address()).expect("a listener");
        left_ = Client::connect(server_address()).expect("a client");
        right_ = listener.accept().expect("its other end");
    }

    // ---- Messages ------------------------------------------------------------------------------

    // False: nobody takes it any more.
    bool send(Stage& stage, int self, Connection& end, char letter) {
        const std::size_t bytes = bytes_of(plan_, letter);
        memset(buffer, letter, bytes);
        const Status sent = end.send_bytes(buffer, bytes);
        if (!sent.ok()) { note_end(stage, self, sent.code()); }
        return sent.ok();
    }
    // False: none comes any more.
    bool receive(Stage& stage, int self, Connection& end) {
        return look_at(stage, self, end.recv_bytes(buffer, kRoom));
    }
    bool look_at(Stage& stage, int self, const Result<std::size_t>& got) {
        if (!got.ok()) {
            note_end(stage, self, got.code());
            return false;
        }
        const char letter = *got > 0 ? buffer[0] : '\0';
        const bool is_one =
            letter != '\0' && strchr("abcsk", letter) != nullptr &&
            *got == bytes_of(plan_, letter) &&
            std::all_of(buffer, buffer + *got, [=](char one) { return one == letter; });
        stage.check(is_one, Fault::wrong, "a message that nobody sent", self);
        if (!is_one) { return false; }
        talk_->got[static_cast<int>(letter)].fetch_add(1);
        return true;
    }
    // Whoever lives closes what it has read to the end.
    void note_end(Stage& stage, int self, Errc code) {
        const bool is_due = code == Errc::end_of_stream;
        const bool is_excused = talk_->is_killed.load() != 0 && is_death(code);
        stage.check(is_due || is_excused, Fault::wrong, "an end for a wrong reason", self);
        if (!is_due) { talk_->is_torn.store(1); }
    }

    void be_peer(Stage& stage, int self) {
        if (plan_.deed == Deed::receive) {
            bool goes_on = send(stage, self, right_, 'a');
            if (plan_.waits) { stage.gate(self).pass(); }
            for (const char letter : {'b', 'c'}) {
                goes_on = goes_on && send(stage, self, right_, letter);
            }
            if (plan_.is_shared) { talk_->end.pass(); }
            if (plan_.is_shared || !goes_on) { return; }
        } else if (plan_.waits) {
            stage.gate(self).pass();
        }
        int before = 0;
        while (receive(stage, self, right_)) {
            const int letter = buffer[0];
            const bool is_late = letter <= 'c' && letter < before;
            stage.check(!is_late, Fault::wrong, "a message came before an older one", self);
            if (letter <= 'c') { before = letter; }
        }
    }
    void be_sibling(Stage& stage, int self) {
        if (plan_.deed == Deed::receive) {
            while (receive(stage, self, left_)) {}
            return;
        }
        // Who cannot send keeps its end: the peer hears all the same.
        const bool has_sent = send(stage, self, left_, 's');
        if (has_sent) { left_.close(); }
        talk_->end.pass();
        stage.check(!has_sent || came('s'), Fault::lost, "what a sibling sent is lost", self);
    }

    const StreamPlan& plan_;
    StreamTalk* talk_;
    Connection left_, right_;
    Status status_;
    Result<std::size_t> received_ = std::size_t{0};
};

// ---- How a stream begins -----------------------------------------------------------------------

struct HelloPlan {
    const char* name;
    bool is_client;  // the victim
};
constexpr HelloPlan kHellos[] = {
    {"stream: connect with a key", true},
    {"stream: accept with a key", false},
};

class HelloScene : public Scene {
public:
    explicit HelloScene(const HelloPlan& plan) : plan_(plan) {
        static auto* const pages = static_cast<StreamTalk*>(test::shared_pages(sizeof(StreamTalk)));
        talk_ = pages;
        (void)server_address();
    }

    const char* name() const override { return plan_.name; }
    std::size_t rounds() const override { return 1; }
    bool is_left_out_in_short() const override { return true; }
    std::size_t recoveries() const override { return 0; }
    std::vector<int> crowds() const override { return {1}; }

    void set(Stage& stage) override {
        memset(static_cast<void*>(talk_), 0, sizeof(*talk_));
        if (!plan_.is_client) { return; }
        stage.start([this, &stage](int self) { be_listener(stage, self); });
        await_listener(stage);
    }
    void victim_before(Stage& stage) override {
        if (!plan_.is_client) { listen(stage, Board::kVictim); }
    }
    void victim_acts(Stage&) override {
        Result<Connection> made = plan_.is_client ? connect() : listener_.accept();
        status_ = made.status();
        if (made.ok()) { end_ = std::move(*made); }
    }
    void victim_after(Stage& stage, int self) override {
        stage.check(status_.ok(), Fault::wrong, "the victim was refused", self);
        if (plan_.is_client) {
            stage.check(end_.send_bytes("v", 1).ok(), Fault::wrong, "no message", self);
        } else {
            char got[8];
            stage.check(end_.recv_bytes(got, sizeof(got)).ok(), Fault::wrong, "none came", self);
        }
    }
    void victim_ready(Stage& stage) override {
        if (plan_.is_client) { return; }
        stage.start([this, &stage](int self) { be_client(stage, self, 'v'); });
    }
    bool victim_sleeps(Stage&, int) override { return true; }
    // Another client, who is let in whatever becomes of the victim; or waits for it.
    void meanwhile(Stage& stage, pid_t, int) override {
        if (!plan_.is_client) { return; }
        const int actor = stage.start([this, &stage](int self) { be_client(stage, self, 'm'); });
        stage.end(actor, "one who stands still at the door holds up the next");
    }
    void reckon(Stage&, pid_t) override { talk_->is_killed.store(1); }
    void others_end(Stage& stage) override {
        for (int i = plan_.is_client ? 1 : 0; i < stage.actors(); ++i) {
            stage.end(i, "one waits on for the victim");
        }
    }
    void newcomers(Stage& stage) override {
        if (!plan_.is_client && stage.fault() != Fault::none) { return; }
        if (!plan_.is_client) {
            talk_->is_killed.store(0);
            talk_->is_up.store(0);
            stage.start([this, &stage](int self) { be_listener(stage, self); });
            await_listener(stage);
        }
        const int listener = plan_.is_client ? 0 : stage.actors() - 1;
        const int actor = stage.start([this, &stage](int self) { be_client(stage, self, 's'); });
        stage.end(actor, "a newcomer is not let in");
        stage.end(listener, "a listener does not hear a newcomer");
    }

private:
    static Result<Connection> connect() {
        return Client::connect(server_address(),
                               brood::ClientOptions().authkey(kKey, sizeof(kKey) - 1));
    }
    void listen(Stage& stage, int self) {
        auto made = Listener::create(server_address(),
                                     brood::ListenerOptions().authkey(kKey, sizeof(kKey) - 1));
        stage.check(made.ok(), Fault::wrong, "no listener can be made", self);
        if (made.ok()) { listener_ = std::move(*made); }
        talk_->is_up.store(1);
    }
    void await_listener(Stage& stage) {
        const std::int64_t until = stage.deadline();
        while (talk_->is_up.load() == 0 && !stage.is_over(until)) { usleep(20); }
    }
    // Until it got an 's'. Who stands still does not keep it from the others.
    void be_listener(Stage& stage, int self) {
        Connection guests[8];
        listen(stage, self);
        for (int count = 0; count < 8;) {
            auto come = listener_.accept(brood::milliseconds(5));
            if (come.ok()) { guests[count++] = std::move(*come); }
            if (!come.ok() && come.code() != Errc::timed_out) { break; }
            for (Connection& guest : guests) {
                if (guest.can_receive() && hears_newcomer(stage, self, guest)) { return; }
            }
        }
        complain(stage, self, "a listener gave up");
    }
    bool hears_newcomer(Stage& stage, int self, Connection& guest) {
        char got[8] = {};
        const auto bytes = guest.recv_bytes(got, sizeof(got), brood::Timeout::no_wait());
        if (bytes.code() == Errc::timed_out) { return false; }
        const bool is_excused = talk_->is_killed.load() != 0 && is_death(bytes.code());
        if (!bytes.ok() && !is_excused) { complain(stage, self, "no message, for no reason"); }
        guest.close();
        return got[0] == 's';
    }
    // Says who it is. One whom the victim lets in may be told that this is dead.
    void be_client(Stage& stage, int self, char who) {
        auto end = connect();
        const bool is_excused = who == 'v' && talk_->is_killed.load() != 0;
        if (is_excused && (is_death(end.code()) || end.code() == Errc::refused)) { return; }
        stage.check(end.ok(), Fault::wrong, "one was not let in", self);
        if (!end.ok()) { return; }
        const Status sent = end->send_bytes(&who, 1);
        const bool may_fail = who == 'v' && talk_->is_killed.load() != 0;
        stage.check(sent.ok() || (may_fail && is_death(sent.code())), Fault::wrong,
                    "one could not send", self);
    }

    const HelloPlan& plan_;
    StreamTalk* talk_;
    Listener listener_;
    Connection end_;
    Status status_;
};

}  // namespace

// Where names are no files, which a kill would leave behind.
Scenes stream_scenes() {
    const bool has_abstract = strcmp(brood::port::kName, "linux") == 0;
    Scenes scenes;
    for (const StreamPlan& plan : kPlans) {
        if (has_abstract || !plan.is_socket) {
            scenes.push_back(std::make_unique<StreamScene>(plan));
        }
    }
    for (const HelloPlan& plan : kHellos) {
        if (has_abstract) { scenes.push_back(std::make_unique<HelloScene>(plan)); }
    }
    return scenes;
}

}  // namespace crash
