// Goal: the examples of queues, pipes and sockets show what they are there to show.
// Method: each is run as it was built, and what it prints is held against what must be so in every
// order that the processes may run in.
#include "examples_support.hpp"

namespace {

using test::assert_prints;
using test::assert_says_in_chinese;
using test::Shown;

/// Some of the lines of an example: from one that contains `first` up to one that has `last`, or
/// all the rest.
class Part {
public:
    Part(const Shown& shown, const char* first, const char* last = nullptr)
        : shown_(shown),
          from_(shown.find("%s", first)),
          to_(last != nullptr ? shown.find("%s", last) : shown.size()) {}

    std::size_t count(const char* words) const {
        std::size_t found = 0;
        for (std::size_t at = from_; at < to_; ++at) { found += strstr(shown_[at], words) ? 1 : 0; }
        return found;
    }
    /// Where the one line is that ends so, but for its colour.
    std::size_t find(const char* does, const char* food, int number) const {
        char words[64];
        (void)snprintf(words, sizeof(words), "%s %s%d\033[0m", does, food, number);
        if (count(words) != 1) { fail_msg("%zu lines have '%s'", count(words), words); }
        std::size_t at = from_;
        while (strstr(shown_[at], words) == nullptr) { ++at; }
        return at;
    }
    /// Where the main process says so.
    std::size_t find_main() const {
        std::size_t at = from_;
        while (strcmp(shown_[at], "main") != 0) { ++at; }
        return at;
    }

private:
    const Shown& shown_;
    const std::size_t from_, to_;
};

// All that was made was eaten once.
void assert_all_eaten(const Part& part, std::initializer_list<const char*> foods, int count_each) {
    const std::size_t all = foods.size() * static_cast<std::size_t>(count_each);
    assert_int_equal(part.count("has made"), all);
    assert_int_equal(part.count("eats"), all);
    for (const char* const food : foods) {
        for (int number = 0; number < count_each; ++number) {
            (void)part.find("has made", food, number);
            (void)part.find("eats", food, number);
        }
    }
}

// Nothing is eaten twice, or out of turn.
void assert_eaten_in_order(const Part& part, const char* does, const char* food, int count) {
    for (int number = 1; number < count; ++number) {
        assert_true(part.find(does, food, number - 1) < part.find(does, food, number));
    }
}

void a_consumer_ends_only_if_he_is_told_that_this_was_all(void**) {
    const Shown shown("producer_consumer");
    assert_int_equal(shown.exit_code(), 0);

    // He has taken all ten, and may be about to eat the last when he is ended.
    const Part nobody(shown, "1. nobody", "2. the producer");
    assert_int_equal(nobody.count("has made"), 10);
    assert_in_range(nobody.count("eats"), 9, 10);
    assert_eaten_in_order(nobody, "eats", "bun", 9);
    assert_int_equal(nobody.count("main: the consumer does not end"), 1);

    const Part producer(shown, "2. the producer", "3. the main");
    assert_all_eaten(producer, {"bun"}, 10);
    assert_eaten_in_order(producer, "eats", "bun", 10);

    const Part main(shown, "3. the main", "4. to each");
    assert_all_eaten(main, {"bun"}, 2);
    assert_true(main.find("has made", "bun", 1) < main.find_main());

    const Part several(shown, "4. to each");
    assert_all_eaten(several, {"bun", "bone", "swill"}, 2);
    for (const char* const food : {"bun", "bone", "swill"}) {
        assert_true(several.find("has made", food, 1) < several.find_main());
    }
}

void all_is_eaten_when_the_cooks_have_gone_home(void**) {
    const Shown shown("joinable_queue");
    assert_int_equal(shown.exit_code(), 0);
    assert_int_equal(shown.find("main"), shown.size() - 1);
    assert_int_equal(shown.size(), 30 + 30 + 1);
    assert_all_eaten(Part(shown, shown[0]), {"bun", "bone", "swill"}, 10);
}

void a_consumer_gets_all_that_went_into_the_pipe_and_then_its_end(void**) {
    assert_prints(Shown("pipe_consumer"),
                  "c1 has got bun 0\n"
                  "c1 has got bun 1\n"
                  "c1 has got bun 2\n"
                  "c1 has got bun 3\n"
                  "c1 has got bun 4\n"
                  "c1 has got bun 5\n"
                  "c1 has got bun 6\n"
                  "c1 has got bun 7\n"
                  "c1 has got bun 8\n"
                  "c1 has got bun 9\n"
                  "main process\n");
}

void a_server_adds_two_numbers_and_ends_with_its_client(void**) {
    assert_prints(Shown("adder_server"), "30\nserver done\nmain process\n");
}

void client_and_server_hear_each_other_over_both_kinds_of_socket(void**) {
    assert_prints(Shown("sockets"),
                  "a local socket\n"
                  "the server hears: hello, server\n"
                  "the client hears: hello, client\n"
                  "a network socket\n"
                  "the server hears: hello, server\n"
                  "the client hears: hello, client\n");
}

void in_chinese_they_say_what_the_notes_say(void**) {
    assert_says_in_chinese("joinable_queue", {" 生产了 包子0", " 吃 骨头9", " 吃 泔水9", "主"});
    assert_says_in_chinese("pipe_consumer", {"c1 收到包子:0", "c1 收到包子:9", "主进程"});
    assert_says_in_chinese("adder_server", {"30", "server done", "主进程"});
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_consumer_ends_only_if_he_is_told_that_this_was_all),
        cmocka_unit_test(all_is_eaten_when_the_cooks_have_gone_home),
        cmocka_unit_test(a_consumer_gets_all_that_went_into_the_pipe_and_then_its_end),
        cmocka_unit_test(a_server_adds_two_numbers_and_ends_with_its_client),
        cmocka_unit_test(client_and_server_hear_each_other_over_both_kinds_of_socket),
        cmocka_unit_test(in_chinese_they_say_what_the_notes_say),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
