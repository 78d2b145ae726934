// Goal: Text<N> and Bytes<N> hold what fits, refuse what does not, and are defined to the last
// byte, because they travel through pipes and shared memory as they are.
#include "shared_support.hpp"

#include <type_traits>

#include <brood/text.hpp>

using brood::Bytes;
using brood::Errc;
using brood::Text;

namespace {

static_assert(std::is_trivially_copyable_v<Text<16>>);
static_assert(std::is_trivially_copyable_v<Bytes<16>>);
static_assert(sizeof(Text<16>) == 16);
static_assert(sizeof(Bytes<16>) == 20);
static_assert(Text<16>::capacity() == 15);

void text_holds_what_fits_and_refuses_one_more(void**) {
    struct Row {
        const char* text;
        Errc wanted;
        int64_t needed;
    };
    const Row rows[] = {
        {"", Errc::ok, 0},
        {"abc", Errc::ok, 0},
        {"abcd", Errc::text_too_long, 5},
        {"abcdefgh", Errc::text_too_long, 9},
        {nullptr, Errc::bad_argument, 0},
    };
    for (const Row& row : rows) {
        const brood::Result<Text<4>> made = Text<4>::from(row.text);
        shared_test::assert_error(made.code(), row.wanted, row.text == nullptr ? "null" : row.text);
        assert_int_equal(made.error().detail(), row.needed);
        if (made.ok()) { assert_string_equal(made->c_str(), row.text); }
    }
}

void text_compares_with_text_and_with_literals(void**) {
    const Text<16> end("end");
    assert_true(end == "end");
    assert_true(end != "end.");
    assert_true(end != "en");
    assert_true(end == Text<16>("end"));
    assert_true(end != Text<16>("and"));
    assert_int_equal(end.size(), 3);
    assert_false(end.empty());
    assert_true(Text<16>().empty());
}

void append_adds_what_fits_and_says_if_it_was_all(void**) {
    Text<8> text("abc");
    assert_true(text.append("def"));
    assert_string_equal(text.c_str(), "abcdef");
    assert_false(text.append("ghi"));
    assert_string_equal(text.c_str(), "abcdefg");
    assert_true(text.append(""));
    assert_false(text.append("x"));
}

void no_stale_byte_follows_a_text(void**) {
    unsigned char raw[sizeof(Text<32>)];
    memset(raw, 0xAA, sizeof(raw));
    const Text<32>* const text = ::new (raw) Text<32>("abc");
    assert_string_equal(text->c_str(), "abc");
    for (size_t i = 3; i < sizeof(raw); ++i) { assert_int_equal(raw[i], 0); }
}

void bytes_hold_what_fits_and_refuse_one_more(void**) {
    const unsigned char data[5] = {1, 0, 2, 0, 3};
    const brood::Result<Bytes<4>> four = Bytes<4>::from(data, 4);
    assert_true(four.ok());
    assert_int_equal(four->size(), 4);
    assert_memory_equal(four->data(), data, 4);
    const brood::Result<Bytes<4>> five = Bytes<4>::from(data, 5);
    shared_test::assert_error(five.code(), Errc::size_too_large, "five into four");
    assert_int_equal(five.error().detail(), 5);
    assert_true(Bytes<4>::from(nullptr, 0).ok());
    shared_test::assert_error(Bytes<4>::from(nullptr, 1).code(), Errc::bad_argument, "null");
}

void bytes_compare_by_count_and_content(void**) {
    assert_true(*Bytes<4>::from("ab", 2) == *Bytes<4>::from("ab", 2));
    assert_true(*Bytes<4>::from("ab", 2) != *Bytes<4>::from("ac", 2));
    assert_true(*Bytes<4>::from("ab", 2) != *Bytes<4>::from("ab", 3));
    assert_true(Bytes<4>() == Bytes<4>());
}

void a_stranger_cannot_make_bytes_longer_than_they_are(void**) {
    Bytes<4> bytes = *Bytes<4>::from("abcd", 4);
    memset(static_cast<void*>(&bytes), 0xFF, sizeof(bytes));  // The count says 4 billion.
    assert_int_equal(bytes.size(), 4);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(text_holds_what_fits_and_refuses_one_more),
        cmocka_unit_test(text_compares_with_text_and_with_literals),
        cmocka_unit_test(append_adds_what_fits_and_says_if_it_was_all),
        cmocka_unit_test(no_stale_byte_follows_a_text),
        cmocka_unit_test(bytes_hold_what_fits_and_refuse_one_more),
        cmocka_unit_test(bytes_compare_by_count_and_content),
        cmocka_unit_test(a_stranger_cannot_make_bytes_longer_than_they_are),
    };
    return cmocka_run_group_tests_name("text", tests, nullptr, nullptr);
}
