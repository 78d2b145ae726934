// Goal: the digests of FIPS 180-4, by the portable code and by the processor's own instructions.
// Method: published vectors; every way to cut a message in two; the two codes against each other.
#include "support.hpp"

#include <stdio.h>
#include <stdlib.h>

#include <tools/sha256.hpp>

using tool::Digest;
using tool::Sha256;
using tool::sha256::Compress;

struct Hex {
    char text[2 * Digest::kBytes + 1];
};

static Hex hex(const Digest& digest) {
    Hex hex;
    for (size_t i = 0; i < Digest::kBytes; ++i) {
        sprintf(hex.text + 2 * i, "%02x", digest.bytes[i]);
    }
    return hex;
}

static Digest digest_of(Compress compress, const void* data, size_t bytes) {
    Sha256 sum(compress);
    sum.update(data, bytes);
    return sum.finish();
}

/// Calls test(compress) for each code that runs here.
template <class Test>
static void for_each_code(Test test) {
    test(tool::sha256::compress_portable);
    const Compress special = tool::sha256::compress_by_instructions();
    if (special != nullptr) {
        test(special);
    } else {
        test::not_run("SHA-256 by instructions", "this processor or build has none");
    }
}

// FIPS 180-4 and NIST's examples and CAVP short messages.
struct Vector {
    const char* message;
    const char* digest;
};
static const Vector kVectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",  // 56 bytes: padded to 2 blocks
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
     "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    {"\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
    {"\x11\xaf", "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"},
};

static void published_messages_have_their_digests(void**) {
    for_each_code([](Compress compress) {
        for (const Vector& vector : kVectors) {
            const Digest digest = digest_of(compress, vector.message, strlen(vector.message));
            assert_string_equal(hex(digest).text, vector.digest);
        }
    });
}

static void a_million_letters_in_uneven_pieces_have_their_digest(void**) {
    for_each_code([](Compress compress) {
        static char letters[1000];
        memset(letters, 'a', sizeof letters);
        Sha256 sum(compress);
        for (size_t left = 1000000, piece = 1; left > 0; piece = piece * 7 % 997) {
            const size_t bytes = piece < left ? piece : left;
            sum.update(letters, bytes);
            left -= bytes;
        }
        assert_string_equal(hex(sum.finish()).text,
                            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    });
}

static void a_message_may_be_cut_anywhere(void**) {
    unsigned char message[200];
    for (size_t i = 0; i < sizeof message; ++i) { message[i] = static_cast<unsigned char>(i * 7); }
    for_each_code([&](Compress compress) {
        for (size_t bytes = 0; bytes <= sizeof message; ++bytes) {
            const Digest whole = digest_of(compress, message, bytes);
            for (size_t cut = 0; cut <= bytes; ++cut) {
                Sha256 sum(compress);
                sum.update(message, cut);
                sum.update(message + cut, bytes - cut);
                assert_true(sum.finish() == whole);
            }
        }
    });
}

static void both_codes_agree_on_every_length_and_alignment(void**) {
    static unsigned char noise[8192];
    srand(1);
    for (unsigned char& byte : noise) { byte = static_cast<unsigned char>(rand() >> 4); }
    for_each_code([](Compress compress) {
        for (size_t bytes = 0; bytes < 4096; bytes += 1 + bytes / 16) {
            for (size_t offset = 0; offset < 16; ++offset) {
                const Digest digest = digest_of(compress, noise + offset, bytes);
                const Digest portable =
                    digest_of(tool::sha256::compress_portable, noise + offset, bytes);
                assert_true(digest == portable);
            }
        }
    });
}

/// What the system says of this processor, in a way of its own.
static bool system_knows_of_instructions() {
    FILE* const file = fopen("/proc/cpuinfo", "re");
    bool found = false;
    char line[8192];
    while (file != nullptr && fgets(line, sizeof line, file) != nullptr) {
        const bool is_list = strncmp(line, "flags", 5) == 0 || strncmp(line, "Features", 8) == 0;
        found = found || (is_list &&
                          (strstr(line, " sha_ni") != nullptr || strstr(line, " sha2") != nullptr));
    }
    if (file != nullptr) { fclose(file); }
    return found;
}

static void instructions_are_used_where_the_processor_has_them(void**) {
    const Compress special = tool::sha256::compress_by_instructions();
    const Compress wanted = special != nullptr ? special : tool::sha256::compress_portable;
    assert_true(tool::sha256::best() == wanted);
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
    if (test::is_emulated()) {
        return test::not_run("what the processor has", "an emulator shows another's");
    }
    assert_int_equal(special != nullptr, system_knows_of_instructions());
#endif
}

static void a_copy_goes_on_by_itself(void**) {
    Sha256 sum;
    sum.update("ab", 2);
    Sha256 copy = sum;
    copy.update("X", 1);
    sum.update("c", 1);
    assert_string_equal(hex(sum.finish()).text, kVectors[1].digest);
    const Digest of_copy = copy.finish();
    assert_true(of_copy == digest_of(tool::sha256::best(), "abX", 3));
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(published_messages_have_their_digests),
        cmocka_unit_test(a_million_letters_in_uneven_pieces_have_their_digest),
        cmocka_unit_test(a_message_may_be_cut_anywhere),
        cmocka_unit_test(both_codes_agree_on_every_length_and_alignment),
        cmocka_unit_test(instructions_are_used_where_the_processor_has_them),
        cmocka_unit_test(a_copy_goes_on_by_itself),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
