// Goal: a handshake ends well only if both sides have the key and every byte arrived, whatever a
// stranger sends, and however it is cut into pieces.
// Method: two sides talk through a channel that the test looks into, changes, and cuts.
// (BROOD_LONG=1: a million changed exchanges.)
#include "channel_support.hpp"

#include <string>
#include <vector>

#include <src/auth_handshake.hpp>

using brood::Errc;
using brood::detail::AuthRules;
using brood::detail::Handshake;
using Side = Handshake::Side;
using Wants = Handshake::Wants;

namespace {

constexpr char kKey[] = "a key that both know";
AuthRules rules(const char* key = kKey, bool allow_legacy = false) {
    return {reinterpret_cast<const unsigned char*>(key), strlen(key), allow_legacy};
}

std::string framed(const std::string& message) {
    const std::size_t length = message.size();
    return std::string({0, 0, static_cast<char>(length >> 8), static_cast<char>(length)}) + message;
}

// One side, with memory around it that must stay as it is.
class Party {
public:
    Party(Side side, const AuthRules& rules, std::uint32_t chance) : rules_(rules) {
        unsigned char random[Handshake::kRandomBytes];
        test::fill(random, sizeof random, chance);
        memset(&room_, 0xee, sizeof room_);
        room_.handshake.begin(side, random);
    }
    Handshake& operator*() { return room_.handshake; }
    Handshake* operator->() { return &room_.handshake; }
    bool is_over() const { return room_.handshake.wants() == Wants::nothing; }
    Errc outcome() const { return room_.handshake.outcome(); }

    /// All that it has to say now.
    std::string says(std::size_t piece = 1000) {
        std::string said;
        while (room_.handshake.wants() == Wants::to_write) {
            std::size_t some = room_.handshake.output_bytes();
            assert_true(some >= 1 && some <= 100);
            if (some > piece) { some = piece; }
            said.append(reinterpret_cast<const char*>(room_.handshake.output()), some);
            room_.handshake.wrote(some);
        }
        return said;
    }
    /// Hears as much as it wants, in pieces of so many bytes at most; what is left is the caller's.
    void hears(std::string& bytes, std::size_t piece = 1000) {
        while (room_.handshake.wants() == Wants::to_read && !bytes.empty()) {
            std::size_t some = room_.handshake.input_bytes();
            assert_true(some >= 1 && some <= Handshake::kMessageBytesMax);
            if (some > piece) { some = piece; }
            if (some > bytes.size()) { some = bytes.size(); }
            memcpy(room_.handshake.input(), bytes.data(), some);
            bytes.erase(0, some);
            room_.handshake.read(some, rules_);
        }
    }
    /// Whether nothing around it was written to.
    bool is_whole() const {
        unsigned char clean[sizeof room_.after];
        memset(clean, 0xee, sizeof clean);
        return memcmp(room_.before, clean, sizeof room_.before) == 0 &&
               memcmp(room_.after, clean, sizeof room_.after) == 0;
    }

private:
    AuthRules rules_;
    struct {
        unsigned char before[64];
        Handshake handshake;
        unsigned char after[512];
    } room_;
};

struct Outcome {
    Errc listener, client;
    bool is_over;
};

// Lets both talk until both have ended or have nothing more to hear. `change` may change what each
// says.
template <class Change>
Outcome talk(Party& listener, Party& client, std::size_t piece, Change change) {
    std::string to_listener, to_client;
    for (int turn = 0; turn < 4; ++turn) {
        to_client += change(listener.says(piece));
        client.hears(to_client, piece);
        to_listener += change(client.says(piece));
        listener.hears(to_listener, piece);
    }
    assert_true(listener.is_whole() && client.is_whole());
    return {listener.outcome(), client.outcome(), listener.is_over() && client.is_over()};
}
std::string as_it_is(const std::string& said) {
    return said;
}

void both_sides_with_the_key_end_well_however_it_is_cut(void**) {
    for (const std::size_t piece : {1u, 2u, 3u, 4u, 5u, 7u, 64u, 1000u}) {
        Party listener(Side::listener, rules(), 1), client(Side::client, rules(), 2);
        const Outcome outcome = talk(listener, client, piece, as_it_is);
        assert_true(outcome.is_over);
        assert_int_equal(outcome.listener, Errc::ok);
        assert_int_equal(outcome.client, Errc::ok);
    }
}

void different_keys_end_on_both_sides(void**) {
    const struct {
        const char *listener, *client;
    } rows[] = {{"a", "b"}, {"a", "aa"}, {"aa", "a"}, {kKey, "A key that both know"}};
    for (const auto& row : rows) {
        Party listener(Side::listener, rules(row.listener), 1);
        Party client(Side::client, rules(row.client), 2);
        const Outcome outcome = talk(listener, client, 1000, as_it_is);
        assert_true(outcome.is_over);
        assert_int_equal(outcome.listener, Errc::not_authenticated);
        assert_int_equal(outcome.client, Errc::not_authenticated);
    }
}

void nothing_beyond_the_handshake_is_taken(void**) {
    Party listener(Side::listener, rules(), 1), client(Side::client, rules(), 2);
    std::string to_client = listener.says();
    client.hears(to_client);
    std::string to_listener = client.says();
    listener.hears(to_listener);
    to_client = listener.says();
    client.hears(to_client);
    to_listener = client.says();
    listener.hears(to_listener);
    to_client = listener.says();
    client.hears(to_client);
    to_listener = client.says() + framed("the first message");
    listener.hears(to_listener);
    assert_true(listener.is_over() && client.is_over());
    assert_true(to_listener == framed("the first message"));
}

// What one says when it hears `message` first, or second.
void messages_that_are_none_end_it(void**) {
    const std::string asked = "#CHALLENGE#", zeroes(40, '\0'), twenty(20, 'x');
    const struct {
        const char* what;
        Side side;
        bool allow_legacy;
        std::string bytes;
        Errc wanted;  // ok: it goes on
    } rows[] = {
        {"empty", Side::client, true, framed(""), Errc::not_authenticated},
        {"256 bytes", Side::client, true, framed(std::string(256, 'x')), Errc::not_authenticated},
        {"257 bytes", Side::client, true, std::string("\0\0\1\1", 4), Errc::not_authenticated},
        {"2 GiB", Side::client, true, "\x7f\xff\xff\xff", Errc::not_authenticated},
        {"a length of 64 bits", Side::client, true, "\xff\xff\xff\xff", Errc::not_authenticated},
        {"no challenge", Side::client, true, framed("#WELCOME#"), Errc::not_authenticated},
        {"a bare challenge", Side::client, true, framed(asked), Errc::not_authenticated},
        {"19 bytes of chance", Side::client, true, framed(asked + twenty.substr(1)),
         Errc::not_authenticated},
        {"20 bytes of chance", Side::client, true, framed(asked + twenty), Errc::ok},
        {"20 bytes, MD5 not allowed", Side::client, false, framed(asked + twenty),
         Errc::legacy_refused},
        {"21 bytes of chance", Side::client, true, framed(asked + twenty + "x"),
         Errc::not_authenticated},
        {"SHA-256 of 19 bytes in all", Side::client, true,
         framed(asked + "{sha256}" + twenty.substr(9)), Errc::not_authenticated},
        {"SHA-256 of 21 bytes in all", Side::client, false,
         framed(asked + "{sha256}" + twenty.substr(7)), Errc::ok},
        {"SHA-256", Side::client, false, framed(asked + "{sha256}" + zeroes), Errc::ok},
        {"SHA-256 and all there is room for", Side::client, false,
         framed(asked + "{sha256}" + std::string(256 - 19, 'x')), Errc::ok},
        {"SHA-384", Side::client, true, framed(asked + "{sha384}" + zeroes),
         Errc::not_authenticated},
        {"a prefix without end", Side::client, true, framed(asked + "{sha256" + zeroes),
         Errc::not_authenticated},
        {"MD5", Side::client, true, framed(asked + "{md5}" + zeroes), Errc::ok},
        {"MD5, not allowed", Side::client, false, framed(asked + "{md5}" + zeroes),
         Errc::legacy_refused},
        {"a challenge as a response", Side::listener, true, framed(asked + "{sha256}" + zeroes),
         Errc::not_authenticated},
        {"a welcome as a response", Side::listener, true, framed("#WELCOME#"),
         Errc::not_authenticated},
        {"zeroes", Side::listener, true, framed("{sha256}" + zeroes.substr(8)),
         Errc::not_authenticated},
        {"a digest too short", Side::listener, true, framed("{sha256}" + zeroes.substr(9)),
         Errc::not_authenticated},
        {"no digest", Side::listener, true, framed("{sha256}"), Errc::not_authenticated},
        {"16 zeroes, MD5 not allowed", Side::listener, false, framed(zeroes.substr(24)),
         Errc::legacy_refused},
        {"16 zeroes", Side::listener, true, framed(zeroes.substr(24)), Errc::not_authenticated},
        {"20 zeroes", Side::listener, true, framed(zeroes.substr(20)), Errc::not_authenticated},
    };
    for (const auto& row : rows) {
        Party party(row.side, rules(kKey, row.allow_legacy), 1);
        party.says();
        std::string bytes = row.bytes;
        party.hears(bytes);
        const std::string answer = party.says();
        if (party.outcome() != row.wanted) { fail_msg("%s", row.what); }
        if ((row.wanted == Errc::ok) == party.is_over()) { fail_msg("%s: over or not", row.what); }
        const bool says_why = row.side == Side::listener && bytes.empty();
        if (says_why && answer != framed("#FAILURE#")) { fail_msg("%s: no word", row.what); }
    }
}

// What was said in an earlier handshake does not open a later one, nor does what the other says.
void old_and_reflected_words_are_worth_nothing(void**) {
    std::vector<std::string> said;
    Party listener(Side::listener, rules(), 1), client(Side::client, rules(), 2);
    const auto record = [&](const std::string& words) {
        if (!words.empty()) { said.push_back(words); }
        return words;
    };
    assert_int_equal(talk(listener, client, 1000, record).listener, Errc::ok);
    assert_int_equal(said.size(), 6);

    Party later(Side::listener, rules(), 3);
    later.says();
    std::string replayed = said[1];
    later.hears(replayed);
    assert_string_equal(later.says().c_str() + 4, "#FAILURE#");
    assert_int_equal(later.outcome(), Errc::not_authenticated);

    // A stranger gives the listener's challenge back, and hopes that it answers for him.
    Party mirror(Side::listener, rules(), 4);
    std::string own = mirror.says();
    mirror.hears(own);
    assert_int_equal(mirror.outcome(), Errc::not_authenticated);
    // It never answers one who has not answered first.
    assert_string_equal(mirror.says().c_str() + 4, "#FAILURE#");
    assert_true(mirror.is_over());
}

// As Python before 3.12: a challenge of 20 bytes, answers of 16; here one that we play.
void md5_is_answered_and_accepted_where_it_is_allowed(void**) {
    const auto md5 = [](const std::string& message) {
        unsigned char mac[32];
        brood::detail::make_mac(brood::detail::Mac::md5, kKey, strlen(kKey), message.data(),
                                message.size(), mac);
        return std::string(reinterpret_cast<char*>(mac), 16);
    };
    const std::string chance(20, 'x');
    for (const bool is_allowed : {true, false}) {
        Party client(Side::client, rules(kKey, is_allowed), 1);
        std::string bytes = framed("#CHALLENGE#" + chance);
        client.hears(bytes);
        if (!is_allowed) {
            assert_int_equal(client.outcome(), Errc::legacy_refused);
            assert_true(client.is_over() && client.says().empty());
            continue;
        }
        assert_true(client.says() == framed(md5(chance)));
        bytes = framed("#WELCOME#");
        client.hears(bytes);
        const std::string challenge = client.says().substr(4 + 11);
        bytes = framed(md5(challenge));
        client.hears(bytes);
        assert_true(client.says() == framed("#WELCOME#"));
        assert_true(client.is_over() && client.outcome() == Errc::ok);
    }
}

// ---- Anything at all ---------------------------------------------------------------------------

// Bytes changed, dropped, doubled, put in; or nothing, when `changes` has run out.
std::string changed(std::string bytes, test::Random& random, int& changes) {
    if (bytes.empty() || changes == 0 || random.below(3) != 0) { return bytes; }
    --changes;
    const std::size_t at = random.below(static_cast<std::uint32_t>(bytes.size()));
    const char byte = static_cast<char>(1 + random.below(255));
    switch (random.below(6)) {
        case 0: bytes[at] = static_cast<char>(bytes[at] ^ byte); break;
        case 1: bytes.erase(at, 1 + random.below(8)); break;
        case 2: bytes.insert(at, 1 + random.below(300), byte); break;
        case 3: bytes.resize(at); break;
        case 4: bytes[at % 4] = static_cast<char>(bytes[at % 4] ^ byte); break;  // its length
        default:
            for (char& one : bytes) {
                one = static_cast<char>(one ^ static_cast<char>(random.next() | 1));
            }
    }
    return bytes;
}

void whatever_is_changed_no_handshake_ends_well(void**) {
    const bool is_long = getenv("BROOD_LONG") != nullptr;
    const int rounds = is_long ? 1000000 : 20000;
    test::Random random(5);
    int well = 0;
    for (int round = 0; round < rounds; ++round) {
        const bool is_legacy = random.below(4) == 0;
        Party listener(Side::listener, rules(kKey, is_legacy), random.next());
        Party client(Side::client, rules(kKey, is_legacy), random.next());
        int changes = 1 + static_cast<int>(random.below(3));
        const int before = changes;
        bool is_torn = false;
        const auto change = [&](const std::string& said) {
            const std::string heard = changed(said, random, changes);
            // What follows the last word is no part of the handshake any more.
            is_torn = is_torn || heard.compare(0, said.size(), said) != 0;
            return heard;
        };
        const Outcome outcome =
            talk(listener, client, random.below(8) == 0 ? 1 + random.below(9) : 300, change);
        const bool ended_well = outcome.is_over && outcome.listener == Errc::ok &&
                                outcome.client == Errc::ok;
        if (ended_well) { ++well; }
        const bool is_wrong = ended_well ? is_torn : changes == before;
        if (is_wrong) { fail_msg("round %d", round); }
    }
    assert_in_range(well, 1, rounds / 2);
    print_message("%d exchanges, of which %d were left as they are\n", rounds, well);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_with_the_key_end_well_however_it_is_cut),
        cmocka_unit_test(different_keys_end_on_both_sides),
        cmocka_unit_test(nothing_beyond_the_handshake_is_taken),
        cmocka_unit_test(messages_that_are_none_end_it),
        cmocka_unit_test(old_and_reflected_words_are_worth_nothing),
        cmocka_unit_test(md5_is_answered_and_accepted_where_it_is_allowed),
        cmocka_unit_test(whatever_is_changed_no_handshake_ends_well),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
