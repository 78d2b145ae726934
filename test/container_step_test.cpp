// Goal: one who is killed at any instruction of a call of a list or a dictionary leaves it as it
// was before that call, or as it is after it; and the manager's memory in order.
// Method: the victim is stepped by ptrace, up to an instruction further in each round, until a
// round meets its end. Some are left out; with BROOD_LONG=1 none. Then a survivor reads all, goes
// on with it, and empties it: the memory must be what it was.
#include "step_support.hpp"

#include <functional>
#include <vector>

#include <brood/manager.hpp>

using brood::Dict;
using brood::List;
using brood::Manager;
using test::assert_ok;

namespace {

std::vector<int> content(const List<int>& list) {
    std::vector<int> out;
    for (const int value : list.items().expect("copying")) { out.push_back(value); }
    return out;
}

std::vector<int> range(int from, int to) {
    std::vector<int> out;
    for (int i = from; i < to; ++i) { out.push_back(i); }
    return out;
}

std::uint64_t bytes_used(const Manager& manager) {
    const auto stats = manager.stats();
    assert_ok(stats);
    return stats->bytes_used;
}

/// `make crash` looks at all of this, too.
constexpr int kShare = 2;

/// `act` on a list of `before` elements, at each instruction of it.
void sweep_list(const char* what, int every, int before, std::function<bool(List<int>)> act) {
    const Manager manager = Manager::create().expect("making the manager");
    const std::vector<int> values = range(0, before);
    const auto make = [&] {
        const auto list = manager.list<int>().expect("making a list");
        assert_ok(list.extend(values.data(), values.size()));
        assert_ok(list.keep());
        return list;
    };
    const auto model = make();
    assert_true(act(model));
    const std::vector<int> after = content(model);
    assert_true(after != values);
    assert_ok(model.drop());
    std::uint64_t used = 0;
    int done = 0;
    const auto swept = test::sweep(what, kShare * every, [&](int steps) {
        const auto list = make();
        test::Stepped victim([&] { return list.size().ok(); }, [&] { (void)act(list); });
        const bool has_ended = !victim.step(steps);
        victim.kill_now();
        const std::vector<int> found = content(list);
        assert_true(found == after || (found == values && !has_ended));
        done += found == after && !has_ended ? 1 : 0;
        assert_ok(list.append(-1));
        assert_int_equal(*list.get(-1), -1);
        assert_int_equal(*list.size(), found.size() + 1);
        assert_ok(list.drop());
        // What it left behind is swept, and all memory is there again.
        for (int i = 0; i < 8; ++i) { assert_ok(manager.list<int>()->drop()); }
        assert_int_equal(manager.stats()->objects, 0);
        if (used == 0) { used = bytes_used(manager); }
        assert_true(bytes_used(manager) <= used + 64 * 1024);
        return has_ended;
    });
    if (swept.points != 0) { print_message("%s: killed %d times after it was done\n", what, done); }
}

void a_list_is_whole_after_a_kill_in_append(void**) {
    sweep_list("append", 17, 20, [](List<int> list) { return list.append(7).ok(); });
    // One that has no room for another.
    sweep_list("growing append", 23, 0, [](List<int> list) { return list.append(7).ok(); });
}

void a_list_is_whole_after_a_kill_in_insert(void**) {
    sweep_list("insert", 29, 20, [](List<int> list) { return list.insert(3, 7).ok(); });
    sweep_list("insert into many", 31, 100, [](List<int> list) { return list.insert(3, 7).ok(); });
}

void a_list_is_whole_after_a_kill_in_extend(void**) {
    sweep_list("extend", 997, 20, [](List<int> list) {
        const std::vector<int> values = range(100, 140);
        return list.extend(values.data(), values.size()).ok();
    });
}

void a_list_is_whole_after_a_kill_in_pop(void**) {
    sweep_list("pop", 17, 20, [](List<int> list) { return list.pop().ok(); });
    sweep_list("pop of the first", 17, 20, [](List<int> list) { return list.pop(0).ok(); });
    sweep_list("pop of the last there is", 17, 1, [](List<int> list) { return list.pop().ok(); });
}

void a_list_is_whole_after_a_kill_in_set_and_update(void**) {
    sweep_list("set", 17, 20, [](List<int> list) { return list.set(4, 7777).ok(); });
    sweep_list("update", 17, 20,
               [](List<int> list) { return list.update(4, [](int& value) { value = -1; }).ok(); });
}

void a_list_is_whole_after_a_kill_in_sort_and_reverse(void**) {
    const auto greater = [](const int& a, const int& b) { return b < a; };
    sweep_list("sort", 599, 20, [=](List<int> list) { return list.sort(greater).ok(); });
    sweep_list("sort of many", 2503, 70, [=](List<int> list) { return list.sort(greater).ok(); });
    sweep_list("reverse", 101, 70, [](List<int> list) { return list.reverse().ok(); });
}

void a_list_is_whole_after_a_kill_in_erase(void**) {
    sweep_list("erase", 53, 20, [](List<int> list) { return list.erase(3, 6).ok(); });
    sweep_list("erase of many", 1009, 100, [](List<int> list) { return list.erase(5, 90).ok(); });
    sweep_list("clear", 397, 40, [](List<int> list) { return list.clear().ok(); });
}

// ---- Dictionaries ------------------------------------------------------------------------------

/// `act` on a dictionary of 0 to `before` - 1, which puts or takes `key`.
void sweep_dict(const char* what, int every, int before, int key,
                std::function<bool(Dict<int, int>)> act) {
    const Manager manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<int, int>().expect("making a dict");
    for (int i = 0; i < before; ++i) { assert_ok(dict.set(i, i)); }
    const bool was_there = *dict.contains(key);
    (void)test::sweep(what, kShare * every, [&](int steps) {
        test::Stepped victim([&] { return dict.size().ok(); }, [&] { (void)act(dict); });
        const bool has_ended = !victim.step(steps);
        victim.kill_now();
        const bool is_there = *dict.contains(key);
        if (has_ended) { assert_true(is_there != was_there); }
        for (int i = 0; i < before; ++i) {
            if (i != key) { assert_int_equal(*dict.get(i), i); }
        }
        const std::size_t others = static_cast<std::size_t>(was_there ? before - 1 : before);
        assert_int_equal(*dict.size(), others + (is_there ? 1 : 0));
        assert_int_equal(dict.items()->size(), *dict.size());
        // As it was, for the next round.
        if (is_there && !was_there) { assert_ok(dict.erase(key)); }
        if (!is_there && was_there) { assert_ok(dict.set(key, key)); }
        return has_ended;
    });
}

void a_dict_is_whole_after_a_kill_in_set_and_erase(void**) {
    sweep_dict("set", 29, 20, 20, [](Dict<int, int> dict) { return dict.set(20, 1).ok(); });
    sweep_dict("erase", 29, 20, 7, [](Dict<int, int> dict) { return dict.erase(7).ok(); });
}

// With more than 4096 buckets the directory moves, and its old block has the size of a segment.
void a_dict_is_whole_after_a_kill_when_its_directory_moves(void**) {
    sweep_dict("set with a larger directory", 61, 4096, 4096,
               [](Dict<int, int> dict) { return dict.set(4096, 1).ok(); });
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_whole_after_a_kill_in_append),
        cmocka_unit_test(a_list_is_whole_after_a_kill_in_insert),
        cmocka_unit_test(a_list_is_whole_after_a_kill_in_extend),
        cmocka_unit_test(a_list_is_whole_after_a_kill_in_pop),
        cmocka_unit_test(a_list_is_whole_after_a_kill_in_set_and_update),
        cmocka_unit_test(a_list_is_whole_after_a_kill_in_sort_and_reverse),
        cmocka_unit_test(a_list_is_whole_after_a_kill_in_erase),
        cmocka_unit_test(a_dict_is_whole_after_a_kill_in_set_and_erase),
        cmocka_unit_test(a_dict_is_whole_after_a_kill_when_its_directory_moves),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
