// Address: what is read is what the system's inet_pton() reads, and what is written reads again.
#include "channel_support.hpp"

#include <string>

#include <arpa/inet.h>

#include <brood/address.hpp>

using brood::Address;
using brood::Errc;

namespace {

std::string text_of(const Address& address) {
    char buffer[112];
    return address.text(buffer, sizeof buffer);
}

void paths_and_names_up_to_their_limit(void**) {
    const std::string longest(107, 'x'), longer(108, 'x');
    const struct {
        Address address;
        Errc problem;
    } rows[] = {
        {Address::unix_path("/run/x"), Errc::ok},
        {Address::unix_path(longest.c_str()), Errc::ok},
        {Address::unix_path(longer.c_str()), Errc::name_too_long},
        {Address::unix_path(""), Errc::name_empty},
        {Address::unix_path(nullptr), Errc::name_empty},
        {Address::abstract("x"), Errc::ok},
        {Address::abstract(longest.c_str()), Errc::ok},
        {Address::abstract(longer.c_str()), Errc::name_too_long},
        {Address::abstract(""), Errc::name_empty},
        {Address(), Errc::bad_address},
    };
    for (const auto& row : rows) { assert_int_equal(row.address.problem(), row.problem); }
    assert_string_equal(text_of(Address::unix_path("/run/x")).c_str(), "/run/x");
    assert_string_equal(Address::unix_path("/run/x").path(), "/run/x");
    assert_string_equal(text_of(Address::abstract("x")).c_str(), "@x");
    assert_string_equal(Address::abstract("x").path(), "");
    assert_string_equal(text_of(Address()).c_str(), "");
    assert_string_equal(text_of(Address::unix_path(longest.c_str())).c_str(), longest.c_str());
}

void addresses_are_written_in_their_shortest_form(void**) {
    const struct {
        const char* read;
        const char* written;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1:80"},
        {"255.255.255.255", "255.255.255.255:80"},
        {"::", "[::]:80"},
        {"::1", "[::1]:80"},
        {"1::", "[1::]:80"},
        {"1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:80"},
        {"1:0:3:4:5:6:7:8", "[1:0:3:4:5:6:7:8]:80"},
        {"1:0:0:4:0:0:0:8", "[1:0:0:4::8]:80"},
        {"ABCD:0:0:1::", "[abcd:0:0:1::]:80"},
        {"::ffff:1.2.3.4", "[::ffff:102:304]:80"},
        {"fe80::1%7", "[fe80::1%7]:80"},
        {"1:2:3:4:5:6:7::", "[1:2:3:4:5:6:7:0]:80"},
    };
    for (const auto& row : rows) {
        const Address address = Address::ip(row.read, 80);
        assert_int_equal(address.problem(), Errc::ok);
        assert_string_equal(text_of(address).c_str(), row.written);
    }
    assert_true(Address::ip("::1", 80) == Address::ip("0:0::0:1", 80));
    assert_true(Address::ip("::1", 80) != Address::ip("::1", 81));
    assert_true(Address::ip("::1", 80) != Address::ip("127.0.0.1", 80));
    assert_true(Address::ip("fe80::1%1", 80) != Address::ip("fe80::1%2", 80));
}

// The system's own reader judges, of some good ones with letters changed, too.
void what_is_no_address_is_refused(void**) {
    const char* const seeds[] = {"127.0.0.1",
                                 "1.2.3",
                                 "1.2.3.4.5",
                                 "256.1.1.1",
                                 "01.2.3.4",
                                 "1..2.3",
                                 "",
                                 ".",
                                 ":",
                                 ":::",
                                 "::1::",
                                 "1:2:3:4:5:6:7",
                                 "1:2:3:4:5:6:7:8:9",
                                 "1::2:3:4:5:6:7:8",
                                 "::12345",
                                 "::g",
                                 "::1.2.3",
                                 "1.2.3.4::",
                                 "::1.2.3.4:5",
                                 "1:2:3:4:5:6:1.2.3.4",
                                 "1:2:3:4:5:6:7:1.2.3.4",
                                 "::1 ",
                                 " ::1",
                                 "1:",
                                 ":1",
                                 "0:0:0:0:0:0:0:0",
                                 "::ffff:255.255.255.255",
                                 "1.2.3.4 ",
                                 "0x7f.1.1.1",
                                 "1.2.3.-4",
                                 "::00001"};
    test::Random random(7);
    std::size_t good = 0, bad = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string text = seeds[static_cast<std::size_t>(round) % (sizeof seeds / sizeof *seeds)];
        const int changes = round < 100 ? 0 : 1 + static_cast<int>(random.below(2));
        for (int i = 0; i < changes && !text.empty(); ++i) {
            text[random.below(static_cast<std::uint32_t>(text.size()))] =
                "0123459afg:.: "[random.below(14)];
        }
        unsigned char wanted[16] = {};
        const bool is_ip6 = text.find(':') != std::string::npos;
        const bool is_good = inet_pton(is_ip6 ? AF_INET6 : AF_INET, text.c_str(), wanted) == 1;
        const Address address = Address::ip(text.c_str(), 1);
        if (is_good != (address.problem() == Errc::ok)) { fail_msg("\"%s\"", text.c_str()); }
        if (is_good) { assert_memory_equal(address.bytes(), wanted, is_ip6 ? 16 : 4); }
        ++(is_good ? good : bad);
    }
    assert_true(good > 1000 && bad > 1000);
    for (const char* const text : {"::1%", "::1%x", "::1%4294967296", "127.0.0.1%1", "::1%1 "}) {
        assert_int_equal(Address::ip(text, 1).problem(), Errc::bad_address);
    }
    assert_int_equal(Address::ip(nullptr, 1).problem(), Errc::bad_address);
    assert_int_equal(Address::ip(std::string(300, ':').c_str(), 1).problem(), Errc::bad_address);
}

void what_is_written_reads_again(void**) {
    test::Random random(8);
    for (int round = 0; round < 5000; ++round) {
        unsigned char bytes[16];
        for (unsigned char& byte : bytes) {
            byte = random.below(3) == 0 ? static_cast<unsigned char>(random.next()) : 0;
        }
        const Address address = Address::of(Address::Family::ip6, bytes, 16, 9);
        std::string text = text_of(address);
        char system[64];
        text = text.substr(1, text.size() - 4);
        // The same form as the system's, but for those that it writes with an ip4 address.
        const std::string wanted = inet_ntop(AF_INET6, bytes, system, sizeof system);
        if (wanted.find('.') == std::string::npos) {
            assert_string_equal(text.c_str(), wanted.c_str());
        }
        assert_true(Address::ip(text.c_str(), 9) == address);
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(paths_and_names_up_to_their_limit),
        cmocka_unit_test(addresses_are_written_in_their_shortest_form),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(what_is_written_reads_again),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
