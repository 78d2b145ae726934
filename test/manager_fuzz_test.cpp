// Goal: no request, however wrong, harms the process that serves it, what it serves, or others.
// Method: requests that are nearly right, at random, to that process, which the sanitizers watch
// (BROOD_LONG=1: a million of them); then the manager is looked at from here. BROOD_FUZZ_SEED: from
// where the random numbers begin.
#include "remote_support.hpp"

#include <src/manager_handler.hpp>

#include <cstdlib>
#include <string>

using namespace remote_test;
using brood::Connection;
using brood::Dict;
using brood::List;
using brood::Text;
using brood::detail::element_type;
using brood::detail::ElementSort;
using brood::detail::ObjectKind;

namespace {

constexpr std::size_t kMessageBytes = 64 << 10;

/// xorshift64*: the same numbers everywhere.
class Chance {
public:
    explicit Chance(std::uint64_t seed) : state_(seed * 2 + 1) {}
    std::uint32_t below(std::uint64_t limit) {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return static_cast<std::uint32_t>((state_ * 0x2545f4914f6cdd1d >> 32) % limit);
    }
    bool once_in(std::uint32_t times) { return below(times) == 0; }

private:
    std::uint64_t state_;
};

/// A client of a handler in a child of ours, which must end in order whatever it was told.
class Target {
public:
    explicit Target(const Manager& manager) : manager_(manager) { start(); }
    ~Target() { end(); }
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    RawClient& client() { return *client_; }
    void restart() {
        end();
        start();
    }

private:
    void start() {
        auto server = Connection::pipe().expect("making a pipe");
        handler_ = test::start_child([&] {
            server.first.close();
            const std::uint32_t id = manager_.event()->manager;
            const brood::detail::ManagerHandlerPlan plan = {id, kMessageBytes, seconds(60)};
            brood::detail::ManagerHandler::serve(server.second, plan);
            return 0;
        });
        server.second.close();
        client_ = new RawClient(std::move(server.first));
        client_->greet();
    }
    void end() {
        delete client_;
        assert_int_equal(test::join_child(handler_), 0);
    }
    const Manager& manager_;
    pid_t handler_ = -1;
    RawClient* client_ = nullptr;
};

struct Tally {
    static constexpr std::uint32_t kOpsEnd = 92;
    std::uint64_t asked = 0, done = 0;
    bool is_done[kOpsEnd] = {};
};

class Fuzzer {
public:
    Fuzzer(const Manager& manager, std::uint64_t seed, Tally& tally)
        : chance_(seed), target_(manager), tally_(tally) {}

    void once() {
        WireRequest request = chosen();
        std::string key = bytes(), value = bytes();
        if (request.op == WireOp::list_insert && !chance_.once_in(4)) { value = elements(request); }
        if (!chance_.once_in(4)) { key = fitting(request.types[0]); }
        if (chance_.once_in(3)) { value = fitting(request.types[1]); }
        // Most ops have no key, no value, or neither.
        if (!chance_.once_in(8)) {
            if (!has_key(request.op)) { key.clear(); }
            if (!has_value(request)) { value.clear(); }
            if (request.op == WireOp::make) { key.clear(); }
            if (request.op == WireOp::find || (request.op == WireOp::make && chance_.once_in(3))) {
                key = std::to_string(request.kind) + ' ' + std::to_string(request.types[0]);
                key += ' ' + std::to_string(request.types[1]);
            }
            if (request.op == WireOp::list_items) { key = std::string(24, '\x01'); }
            if (has_value(request) && request.op != WireOp::list_insert) {
                value = fitting_of(request);
            }
        }
        if (request.op == WireOp::dict_swap || request.op == WireOp::list_swap) {
            // Of the old value, and of the new one.
            const std::string old = chance_.once_in(2) ? fitting_of(request) : "";
            request.a = request.op == WireOp::list_swap ? 0 : old.empty() ? 2 : 3;
            request.b = static_cast<std::int64_t>(old.size());
            value = old + fitting_of(request);
        }
        if (chance_.once_in(20)) { mangle(request); }
        tame(request);
        if (chance_.once_in(2000)) { return send_no_request(); }
        const auto op = static_cast<std::uint32_t>(request.op);
        RawClient& client = target_.client();
        assert_ok(client.send(request, key, value));
        const Errc code = client.receive();
        assert_true(code != Errc::end_of_stream && code != Errc::corrupt);
        ++tally_.asked;
        tally_.done += code == Errc::ok ? 1 : 0;
        if (code == Errc::ok && op < Tally::kOpsEnd) { tally_.is_done[op] = true; }
        if (code == Errc::ok && request.op == WireOp::make) { note(client, request); }
    }


private:
    struct Known {
        WireRequest request;
        std::uint32_t entry, generation;
        bool is_there;
    };

    static bool has_key(WireOp op) {
        return op == WireOp::find || op == WireOp::make || op == WireOp::list_items ||
               (op >= WireOp::dict_get && op <= WireOp::dict_swap);
    }
    static bool has_value(const WireRequest& request) {
        switch (request.op) {
            case WireOp::make: return request.kind == 3;
            case WireOp::dict_set:
            case WireOp::dict_swap:
            case WireOp::list_set:
            case WireOp::list_insert:
            case WireOp::list_swap:
            case WireOp::list_search:
            case WireOp::queue_put:
            case WireOp::elements_write: return true;
            default: return false;
        }
    }

    void note(const RawClient& client, const WireRequest& request) {
        known_[chance_.below(kKnown)] = {request, static_cast<std::uint32_t>(client.reply.a),
                                         static_cast<std::uint32_t>(client.reply.b), true};
    }

    std::uint32_t type() {
        static constexpr std::uint32_t kTypes[] = {
            element_type(ElementSort::text, 0),     element_type(ElementSort::bytes, 0),
            element_type(ElementSort::boolean, 1),  element_type(ElementSort::signed_integer, 4),
            element_type(ElementSort::floating, 8), element_type(ElementSort::handle, 12),
            element_type(ElementSort::plain, 24),   0};
        return kTypes[chance_.below(8)];
    }

    WireRequest fresh() {
        WireRequest request;
        request.op = WireOp::make;
        request.kind = chance_.once_in(3) ? 1 + chance_.below(2) : 1 + chance_.below(13);
        const auto kind = static_cast<ObjectKind>(request.kind);
        if (kind <= ObjectKind::joinable_queue) { request.types[0] = type(); }
        if (kind == ObjectKind::dict) { request.types[1] = type(); }
        if (kind >= ObjectKind::value && kind <= ObjectKind::joinable_queue) {
            const std::uint32_t size = request.types[0] & 0xffffff;
            request.types[1] = size != 0 ? size : 16;
        }
        request.a = chance_.below(20);
        if (chance_.once_in(50)) { request.a = INT64_MAX >> chance_.below(62); }
        return request;
    }

    WireRequest chosen() {
        const Known& known = known_[chance_.below(kKnown)];
        if (!known.is_there || chance_.once_in(50)) { return fresh(); }
        // The ops of each kind, from the first to the last; of some a few others lie between.
        static constexpr std::uint32_t kOps[][2] = {
            {1, 7},   {16, 25}, {32, 42}, {88, 91}, {88, 91}, {48, 51}, {48, 53},
            {64, 65}, {64, 65}, {64, 66}, {64, 66}, {64, 68}, {72, 74}, {80, 83}};
        WireRequest request = known.request;
        const std::uint32_t kind = chance_.once_in(15) ? chance_.below(14) : request.kind;
        const std::uint32_t(&ops)[2] = kOps[kind % 14];
        request.op = static_cast<WireOp>(ops[0] + chance_.below(ops[1] - ops[0] + 1));
        request.entry = known.entry;
        request.generation = known.generation;
        request.a = chance_.below(5);
        request.b = chance_.below(chance_.once_in(2) ? 4 : 2000);
        return request;
    }

    void mangle(WireRequest& request) {
        unsigned char head[WireRequest::kBytes];
        request.write(head);
        for (std::uint32_t i = 0; i < 1 + chance_.below(4); ++i) {
            head[chance_.below(sizeof head)] ^= static_cast<unsigned char>(chance_.below(256));
        }
        request = WireRequest::read(head);
    }

    /// Nothing that may wait for good, since nobody else is there, and nothing that ends it all.
    void tame(WireRequest& request) {
        request.timeout_ms = static_cast<std::int32_t>(chance_.below(3));
        if (request.op == WireOp::barrier_wait) { request.a = 0; }
        if (request.op == WireOp::make) { request.b = chance_.below(3); }
        if (request.op == WireOp::bye) { request.op = WireOp::stats; }
    }

    std::string bytes() {
        std::string made(chance_.once_in(100) ? chance_.below(30000) : chance_.below(40), '\0');
        for (char& byte : made) { byte = static_cast<char>(chance_.below(256)); }
        return made;
    }
    std::string fitting(std::uint32_t type) {
        const std::uint32_t size = type & 0xffffff;
        const bool is_fixed = size != 0 && size < 1000;
        return std::string(is_fixed ? size : 1 + chance_.below(2),
                           static_cast<char>(chance_.below(3) + (is_fixed ? 0u : 'a')));
    }
    /// What queues and arrays, lists and dictionaries take for a value.
    std::string fitting_of(const WireRequest& request) {
        const auto kind = static_cast<ObjectKind>(request.kind);
        if (kind == ObjectKind::list) { return fitting(request.types[0]); }
        if (kind == ObjectKind::dict) { return fitting(request.types[1]); }
        std::string made(request.types[1] < 1000 ? request.types[1] : 1, '\0');
        if (!made.empty()) { made[0] = 1; }
        return made;
    }
    std::string elements(const WireRequest& request) {
        std::string made;
        for (std::uint32_t i = chance_.below(100); i > 0; --i) {
            const std::string element = fitting(request.types[0]);
            unsigned char head[4];
            brood::detail::WireCursor<unsigned char>(head).put(element.size(), 4);
            made.append(reinterpret_cast<const char*>(head), sizeof head).append(element);
        }
        return made;
    }
    /// The connection ends by that, and what was made by it and has no name.
    void send_no_request() {
        const std::string made = bytes() + "!";
        RawClient& client = target_.client();
        assert_ok(client.connection.send_bytes(made.data(), made.size(), kLong));
        const Errc code = client.receive();
        assert_true(code != Errc::ok);
        if (code == Errc::bad_frame) { assert_true(client.receive() == Errc::end_of_stream); }
        target_.restart();
    }

    static constexpr std::uint32_t kKnown = 26;
    Chance chance_;
    Target target_;
    Tally& tally_;
    Known known_[kKnown] = {};
};

constexpr std::uint32_t kRules[] = {3,  4,  5,  6,  7,  16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 32,
                                    33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 48, 49, 50, 51, 52, 53,
                                    64, 65, 66, 67, 72, 73, 74, 81, 82, 83, 88, 89, 90, 91};

/// Some, to one manager. Those that work beside lose nothing but by a request that is right.
void fuzz(std::uint64_t seed, std::uint64_t count, Tally& tally) {
    const Manager manager = Manager::create(16 << 20).expect("making");
    const auto witness = manager.dict<Text<16>, bool>("witness").expect("making");
    const auto numbers = manager.list<int>("numbers").expect("making");
    const auto kept = manager.lock().expect("making");
    {
        Fuzzer fuzzer(manager, seed, tally);
        for (std::uint64_t i = 0; i < count; ++i) {
            fuzzer.once();
            if (i % 64 != 0) { continue; }
            const brood::Status set = witness.set("key", true, kLong);
            assert_true(set.ok() || set.code() == Errc::closed || set.code() == Errc::no_space);
            const brood::Status put = numbers.append(1, kLong);
            assert_true(put.ok() || put.code() == Errc::closed || put.code() == Errc::no_space);
        }
    }
    const auto items = witness.items(kLong);
    assert_true(items.ok() || items.code() == Errc::closed);
    if (items.ok()) {
        for (const auto& item : *items) { assert_true(item.key == "key" || item.key.size() < 16); }
    }
    // What was held has come back, and what there is is whole.
    auto lock = kept.open(kLong);
    assert_true(lock.ok() || lock.code() == Errc::closed);
    if (lock.ok()) { assert_true(brood::detail::is_held(lock->take(kLong))); }
    assert_ok(manager.stats(kLong));
}

void requests_at_random_harm_nobody(void**) {
    constexpr std::uint64_t kOfOneManager = 30000;
    const std::uint64_t count = getenv("BROOD_LONG") != nullptr ? 1000000 : kOfOneManager;
    const char* const chosen = getenv("BROOD_FUZZ_SEED");
    std::uint64_t seed = chosen != nullptr ? strtoull(chosen, nullptr, 10) : 1;
    print_message("%llu requests from seed %llu\n", static_cast<unsigned long long>(count),
                  static_cast<unsigned long long>(seed));
    static Tally tally;
    for (std::uint64_t left = count; left > 0;) {
        const std::uint64_t some = left < kOfOneManager ? left : kOfOneManager;
        fuzz(seed++, some, tally);
        left -= some;
    }
    print_message("%llu of %llu were done\n", static_cast<unsigned long long>(tally.done),
                  static_cast<unsigned long long>(tally.asked));
    // Else it does not test much.
    assert_true(tally.done > tally.asked / 5);
    for (const std::uint32_t op : kRules) {
        if (!tally.is_done[op]) { fail_msg("op %u was never done", op); }
    }
}

}  // namespace

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_at_random_harm_nobody),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
