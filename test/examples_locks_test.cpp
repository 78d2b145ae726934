// Goal: the examples of locks and shared state show what they are there to show.
// Method: each is run as it was built, and what it prints is held against what must be so in every
// order that the processes may run in.
#include "examples_support.hpp"

namespace {

using test::assert_prints;
using test::assert_says_in_chinese;
using test::Shown;

// The lines of who comes in and who leaves: nobody leaves who is not in, and no more than `most`
// are in at a time.
void assert_at_most(int most, const Shown& shown, const char* enters, const char* leaves) {
    int inside = 0;
    for (const char* const line : shown) {
        if (strstr(line, enters) != nullptr) { ++inside; }
        if (strstr(line, leaves) != nullptr) { --inside; }
        assert_in_range(inside, 0, most);
    }
    assert_int_equal(inside, 0);
}

void at_most_four_of_ten_people_sing_in_the_ktv(void**) {
    const Shown shown("ktv");
    assert_int_equal(shown.exit_code(), 0);
    assert_at_most(4, shown, "has entered the ktv", "has left the ktv");
    for (const char* const person :
         {"Mao Honglei", "Guo Kai", "Liu Zitao", "Song Yunjie", "Ma Shengping", "Li Ya",
          "Liu Caixia", "Zhang Jie", "Wang Panpan", "Xu Yanwei"}) {
        assert_true(shown.find("%s has entered", person) < shown.find("%s has left", person));
    }
    assert_int_equal(shown.size(), 20);
}

void at_most_five_of_thirteen_users_have_a_toilet(void**) {
    const Shown shown("toilets");
    assert_int_equal(shown.exit_code(), 0);
    assert_at_most(5, shown, "has got a toilet", "leaves it");
    for (int user = 0; user < 13; ++user) {
        assert_true(shown.find("user%d has", user) < shown.find("user%d leaves", user));
    }
    assert_int_equal(shown.find("======"), 26);
}

// ---- Tickets -----------------------------------------------------------------------------------

std::size_t count_between(const Shown& shown, std::size_t from, std::size_t to, const char* part) {
    std::size_t found = 0;
    for (std::size_t at = from; at < to; ++at) { found += strstr(shown[at], part) ? 1 : 0; }
    return found;
}

void with_a_lock_three_tickets_are_sold_without_at_least_three(void**) {
    const Shown shown("tickets");
    assert_int_equal(shown.exit_code(), 0);
    const std::size_t without = shown.find("without a lock"), with = shown.find("with a lock");
    assert_int_equal(count_between(shown, without, with, "asks: "), 10);
    assert_in_range(count_between(shown, without, with, "has got a ticket"), 3, 10);

    assert_int_equal(count_between(shown, with, shown.size(), "asks: "), 10);
    assert_int_equal(count_between(shown, with, shown.size(), "has got a ticket"), 3);
    assert_int_equal(count_between(shown, with, shown.size(), "has got no ticket"), 7);
    for (const char* const count : {"{'count': 3}", "{'count': 2}", "{'count': 1}"}) {
        assert_int_equal(count_between(shown, with, shown.size(), count), 1);
    }
    assert_int_equal(shown.size(), 2 + 2 * 30);
}

// ---- Traffic light -----------------------------------------------------------------------------

// Where the light turns green after line `at`.
std::size_t green_after(const Shown& shown, std::size_t at) {
    while (strcmp(shown[at], "green light") != 0) { ++at; }
    return at;
}

bool is_red_at(const Shown& shown, std::size_t at) {
    for (;; --at) {
        if (strcmp(shown[at], "red light") == 0) { return true; }
        if (strcmp(shown[at], "green light") == 0) { return false; }
    }
}

void every_car_passes_and_who_waits_at_a_red_light_waits_for_the_next_green(void**) {
    const Shown shown("traffic_light");
    assert_int_equal(shown.exit_code(), 0);
    assert_string_equal(shown[0], "red light");
    for (int car = 1; car <= 20; ++car) {
        const std::size_t passes = shown.find("car%d passes", car);
        assert_true(passes > green_after(shown, 0));
        char waits[32];
        (void)snprintf(waits, sizeof(waits), "car%d waits", car);
        if (shown.count(waits) == 0) { continue; }
        const std::size_t waiting = shown.find("%s", waits);
        assert_true(passes > waiting);
        if (is_red_at(shown, waiting)) { assert_true(passes > green_after(shown, waiting)); }
    }
    assert_int_equal(shown.find("the end ..."), shown.size() - 1);
}

// ---- Shared state ------------------------------------------------------------------------------

int number_after(const Shown& shown, const char* words) {
    return atoi(shown[shown.find("%s", words)] + strlen(words));
}

void a_hundred_processes_count_down_to_zero_if_each_does_it_in_one_step(void**) {
    const Shown shown("dict_count", {}, "C", "0.1");  // Else nobody would stop between two steps.
    assert_int_equal(shown.exit_code(), 0);
    assert_in_range(number_after(shown, "without a lock: {'count': "), 0, 99);
    assert_int_equal(number_after(shown, "with a lock: {'count': "), 0);
    assert_int_equal(number_after(shown, "by update(): {'count': "), 0);
}

void a_value_and_arrays_hold_what_the_child_wrote(void**) {
    assert_prints(Shown("value_array"),
                  "child: no [3]\n"
                  "value: 600\n"
                  "list: [10, 20, 30]\n"
                  "zeroes: [0, 0, 7]\n"
                  "text: koo\n");
}

// ---- Deadlock, condition, barrier --------------------------------------------------------------

void a_deadlock_ends_when_one_waits_no_longer(void**) {
    const Shown shown("deadlock");
    assert_int_equal(shown.exit_code(), 0);
    assert_int_equal(shown.size(), 5);
    assert_true(shown.find("jason has the noodles") < 2);
    assert_true(shown.find("egon has the fork") < 2);
    assert_string_equal(shown[2], "jason puts the noodles back");
    assert_string_equal(shown[3], "egon eats");
    assert_string_equal(shown[4], "jason eats");
}

void as_many_guests_get_a_bun_as_there_are_and_the_others_hear_of_the_end(void**) {
    const Shown shown("condition");
    assert_int_equal(shown.exit_code(), 0);
    int buns = 0;
    for (const char* const line : shown) {
        buns += strcmp(line, "the baker brings a bun") == 0 ? 1 : 0;
        buns -= strstr(line, "has got a bun") != nullptr ? 1 : 0;
        assert_true(buns >= 0);
    }
    assert_int_equal(shown.count("the baker brings a bun"), 3);
    assert_int_equal(shown.count("has got a bun"), 3);
    for (int guest = 0; guest < 5; ++guest) { (void)shown.find("guest %d", guest); }
    const std::size_t closes = shown.find("the baker closes");
    assert_int_equal(count_between(shown, closes, shown.size(), ": closed"), 2);
}

void no_hiker_sets_off_before_all_have_come(void**) {
    const Shown shown("barrier");
    assert_int_equal(shown.exit_code(), 0);
    const std::size_t all = shown.find("all are there");
    assert_int_equal(count_between(shown, 0, all, "has come"), 5);
    assert_int_equal(count_between(shown, all, shown.size(), "sets off"), 5);
    for (int hiker = 1; hiker <= 5; ++hiker) { (void)shown.find("hiker %d sets off", hiker); }
    assert_int_equal(shown.size(), 5 + 1 + 5);
}

void in_chinese_they_say_what_the_notes_say(void**) {
    assert_says_in_chinese("ktv", {"毛洪磊进入了ktv,正在唱歌", "徐艳伟离开了ktv，唱完了"});
    assert_says_in_chinese("toilets",
                           {"user0 占到一个茅坑", "user12 占到一个茅坑", "============》"});
    assert_says_in_chinese("tickets", {"李志辉 查询票数：", "抢到票了", "没有抢到这张票"});
    assert_says_in_chinese("traffic_light",
                           {"红灯亮~", "绿灯亮~", "car20 通行了", "程序结束 ... "});
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(at_most_four_of_ten_people_sing_in_the_ktv),
        cmocka_unit_test(at_most_five_of_thirteen_users_have_a_toilet),
        cmocka_unit_test(with_a_lock_three_tickets_are_sold_without_at_least_three),
        cmocka_unit_test(every_car_passes_and_who_waits_at_a_red_light_waits_for_the_next_green),
        cmocka_unit_test(a_hundred_processes_count_down_to_zero_if_each_does_it_in_one_step),
        cmocka_unit_test(a_value_and_arrays_hold_what_the_child_wrote),
        cmocka_unit_test(a_deadlock_ends_when_one_waits_no_longer),
        cmocka_unit_test(as_many_guests_get_a_bun_as_there_are_and_the_others_hear_of_the_end),
        cmocka_unit_test(no_hiker_sets_off_before_all_have_come),
        cmocka_unit_test(in_chinese_they_say_what_the_notes_say),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
