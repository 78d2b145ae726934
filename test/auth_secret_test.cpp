// Goal: the digests that authenticate a connection are the published ones, and nothing of a key is
// left on the stack by those who made them.
// Method: RFC 1321, 2202 and 4231; Python's own hmac; a look at the stack below.
#include "process_support.hpp"

#include <string>

#include <src/auth_secret.hpp>
#include <src/md5.hpp>

using brood::detail::Mac;
using brood::detail::Md5;

namespace {

std::string hex_of(const unsigned char* bytes, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", bytes[i]);
        text += digits;
    }
    return text;
}

std::string md5_of(const std::string& message, std::size_t piece) {
    Md5 md5;
    for (std::size_t at = 0; at < message.size(); at += piece) {
        const std::string part = message.substr(at, piece);
        md5.update(part.data(), part.size());
    }
    return hex_of(md5.finish().bytes, Md5::kBytes);
}

std::string mac_of(Mac mac, const std::string& key, const std::string& message) {
    unsigned char out[brood::detail::kMacBytesMax] = {};
    brood::detail::make_mac(mac, key.data(), key.size(), message.data(), message.size(), out);
    return hex_of(out, brood::detail::bytes_of(mac));
}

// RFC 1321, A.5.
void md5_of_published_messages(void**) {
    const struct {
        const char* message;
        const char* digest;
    } rows[] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"a", "0cc175b9c0f1b6a831c399e269772661"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "d174ab98d277d9f5a5611c2c9f419d9f"},
    };
    for (const auto& row : rows) {
        for (const std::size_t piece : {1u, 3u, 64u}) {
            assert_string_equal(md5_of(row.message, piece).c_str(), row.digest);
        }
    }
    std::string eighty;
    for (int i = 0; i < 8; ++i) { eighty += "1234567890"; }
    assert_string_equal(md5_of(eighty, 7).c_str(), "57edf4a22be3c955ac49da2e2107b67a");
}

// RFC 2202 (MD5) and RFC 4231 (SHA-256), with keys shorter and longer than a block.
void macs_of_published_keys_and_messages(void**) {
    const std::string data = "what do ya want for nothing?";
    const std::string twenty(20, '\x0b'), sixteen(16, '\x0b'), long_key(131, '\xaa');
    assert_string_equal(mac_of(Mac::md5, sixteen, "Hi There").c_str(),
                        "9294727a3638bb1c13f48ef8158bfc9d");
    assert_string_equal(mac_of(Mac::md5, "Jefe", data).c_str(), "750c783e6ab0b503eaa86e310a5db738");
    assert_string_equal(mac_of(Mac::md5, std::string(80, '\xaa'),
                               "Test Using Larger Than Block-Size Key - Hash Key First")
                            .c_str(),
                        "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    assert_string_equal(mac_of(Mac::sha256, twenty, "Hi There").c_str(),
                        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_string_equal(mac_of(Mac::sha256, "Jefe", data).c_str(),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_string_equal(
        mac_of(Mac::sha256, long_key, "Test Using Larger Than Block-Size Key - Hash Key First")
            .c_str(),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// Keys of 0 to 130 bytes: around the size of a block, above all.
void macs_are_those_of_python(void**) {
    FILE* const python = popen(
        "python3 -c 'import hmac\n"
        "for n in range(131):\n"
        "  key = bytes((7 * i + n) % 256 for i in range(n))\n"
        "  for name in (\"sha256\", \"md5\"):\n"
        "    print(hmac.new(key, b\"m\" * n, name).hexdigest())' 2>/dev/null",
        "r");
    assert_non_null(python);
    int seen = 0;
    for (std::size_t n = 0; n < 131; ++n) {
        std::string key;
        for (std::size_t i = 0; i < n; ++i) { key += static_cast<char>((7 * i + n) % 256); }
        for (const Mac mac : {Mac::sha256, Mac::md5}) {
            char line[80] = {};
            if (fscanf(python, "%79s", line) != 1) { continue; }
            ++seen;
            assert_string_equal(mac_of(mac, key, std::string(n, 'm')).c_str(), line);
        }
    }
    pclose(python);
    if (seen == 0) { return test::not_run("Python's hmac", "no python3"); }
    assert_int_equal(seen, 262);
}

void secrets_are_the_same_only_if_every_bit_is(void**) {
    unsigned char a[32] = {}, b[32] = {};
    assert_true(brood::detail::is_same_secret(a, b, sizeof a));
    for (std::size_t bit = 0; bit < 8 * sizeof a; ++bit) {
        b[bit / 8] = static_cast<unsigned char>(1u << bit % 8);
        assert_false(brood::detail::is_same_secret(a, b, sizeof a));
        b[bit / 8] = 0;
    }
}

// How often four bytes of the key stand on the stack below, as they are or as HMAC pads them.
[[gnu::noinline]] int traces_of(const unsigned char* key) {
    constexpr std::size_t kBelow = 8192;
    unsigned char seen[kBelow];
    // What earlier calls left there: read with no initialization in between.
    unsigned char* looked = seen;
    asm volatile("" : "+r"(looked) : : "memory");
    int traces = 0;
    for (const unsigned pad : {0x00u, 0x36u, 0x5cu}) {
        for (std::size_t at = 0; at + 4 <= kBelow; ++at) {
            bool is_key = true, is_turned = true;  // SHA-256 loads words turned round.
            for (std::size_t i = 0; i < 4; ++i) {
                is_key = is_key && looked[at + i] == static_cast<unsigned char>(key[i] ^ pad);
                is_turned = is_turned &&
                            looked[at + i] == static_cast<unsigned char>(key[3 - i] ^ pad);
            }
            if (is_key || is_turned) { ++traces; }
        }
    }
    return traces;
}

void nothing_of_a_key_is_left_on_the_stack(void**) {
    if (test::kSanitized) {
        return test::not_run("a look at the stack", "the sanitizer has it elsewhere");
    }
    static const unsigned char key[16] = {0xc5, 0x9d, 0xe1, 0x3b, 0x77, 0xa8, 0x42, 0x96,
                                          0x1f, 0xd3, 0x6a, 0xb8, 0x05, 0xfe, 0x91, 0x2c};
    static unsigned char out[brood::detail::kMacBytesMax];
    for (const Mac mac : {Mac::sha256, Mac::md5}) {
        brood::detail::make_mac(mac, key, sizeof key, "message", 7, out);
        assert_int_equal(traces_of(key), 0);
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(md5_of_published_messages),
        cmocka_unit_test(macs_of_published_keys_and_messages),
        cmocka_unit_test(macs_are_those_of_python),
        cmocka_unit_test(secrets_are_the_same_only_if_every_bit_is),
        cmocka_unit_test(nothing_of_a_key_is_left_on_the_stack),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
