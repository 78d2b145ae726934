// Goal: Pair and Tuple hold what is put in, and travel where std::pair and std::tuple cannot.
#include "channel_support.hpp"

#include <type_traits>

#include <brood/pipe.hpp>
#include <brood/text.hpp>
#include <brood/tuple.hpp>

using brood::Pair;
using brood::Text;
using brood::Tuple;

namespace {

void a_pair_holds_two_values(void**) {
    const Pair deduced{3, 2.5};
    static_assert(std::is_same_v<decltype(deduced), const Pair<int, double>>);
    const auto [number, weight] = deduced;
    assert_int_equal(number, 3);
    assert_true(weight == 2.5);
    const Pair<int, Text<8>> empty;
    assert_int_equal(empty.first, 0);
    assert_true(empty.second.empty());
}

void a_tuple_holds_its_values_in_order(void**) {
    Tuple tuple(3, 2.5, Text<8>("three"));
    static_assert(std::is_same_v<decltype(tuple), Tuple<int, double, Text<8>>>);
    tuple.get<0>() += 1;
    auto& [number, weight, text] = tuple;
    weight *= 2;
    assert_int_equal(number, 4);
    assert_true(tuple.get<1>() == 5.0);
    assert_true(text == "three");
    const auto copy = tuple;
    assert_true(copy.get<2>() == "three");
    const Tuple<char> one('x');
    assert_int_equal(one.get<0>(), 'x');
    const Tuple<int, double> zeroed;
    assert_int_equal(zeroed.get<0>(), 0);
    assert_true(zeroed.get<1>() == 0.0);
}

void pairs_and_tuples_are_equal_value_by_value(void**) {
    assert_true((Pair{1, 'a'} == Pair{1, 'a'}));
    assert_true((Pair{1, 'a'} != Pair{2, 'a'}));
    assert_true((Pair{1, 'a'} != Pair{1, 'b'}));
    const Tuple tuple(1, 'a', 2L);
    assert_true(tuple == Tuple(1, 'a', 2L));
    assert_true(tuple != Tuple(0, 'a', 2L));
    assert_true(tuple != Tuple(1, 'b', 2L));
    assert_true(tuple != Tuple(1, 'a', 3L));
}

void pairs_and_tuples_travel_to_another_process(void**) {
    using Message = Tuple<int, Pair<double, Text<16>>, bool>;
    static_assert(std::is_trivially_copyable_v<Message>);
    static_assert(!std::is_trivially_copyable_v<Tuple<int, brood::Connection>>);
    auto [left, right] = brood::Pipe<Message>::duplex().expect("making a pipe");
    auto& echo = right;
    const pid_t pid = test::child([&] {
        auto got = echo.recv(test::kLong);
        CHILD_EXPECT(got.ok());
        auto& [number, pair, answered] = *got;
        number *= 2;
        answered = pair.first == 0.5 && pair.second == "half";
        CHILD_EXPECT(echo.send(*got).ok());
        return 0;
    });
    test::assert_ok(left.send(Message(21, {0.5, "half"}, false)));
    const auto back = left.recv(test::kLong);
    test::assert_ok(back);
    assert_true(*back == Message(42, {0.5, "half"}, true));
    assert_int_equal(test::join_child(pid), 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_holds_two_values),
        cmocka_unit_test(a_tuple_holds_its_values_in_order),
        cmocka_unit_test(pairs_and_tuples_are_equal_value_by_value),
        cmocka_unit_test(pairs_and_tuples_travel_to_another_process),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
