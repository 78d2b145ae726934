// Goal: List does what a Python user expects of Manager().list(), from any process.
// Method: each call by itself, and then thousands drawn by chance beside a std::vector; real
// managers, small ones that are full, and children that change what the parent reads.
#include "process_support.hpp"

#include <algorithm>
#include <vector>

#include <brood/manager.hpp>

using brood::Bytes;
using brood::Dict;
using brood::Errc;
using brood::List;
using brood::Manager;
using brood::Text;
using test::assert_code;
using test::assert_ok;

namespace {

Manager make_manager(std::uint64_t bytes = Manager::kBytes) {
    return Manager::create(bytes).expect("making the manager");
}
List<int> make_list(const Manager& manager, const std::vector<int>& values) {
    const auto list = manager.list<int>().expect("making a list");
    assert_ok(list.extend(values.data(), values.size()));
    return list;
}
template <class T>
std::vector<T> taken(const brood::Result<brood::ListItems<T>>& items) {
    assert_ok(items);
    std::vector<T> out;
    for (const T& item : *items) { out.push_back(item); }
    assert_int_equal(out.size(), items->size());
    return out;
}
template <class T>
std::vector<T> content(const List<T>& list) {
    return taken<T>(list.items());
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

void elements_are_got_and_set_by_index(void**) {
    const Manager manager = make_manager();
    const auto list = manager.list<int>().expect("making a list");
    assert_code(list.get(0), Errc::out_of_range);
    assert_code(list.get(-1), Errc::out_of_range);
    assert_code(list.pop(), Errc::out_of_range);
    assert_int_equal(*list.size(), 0);
    for (int i = 0; i < 5; ++i) { assert_ok(list.append(i * 10)); }
    assert_int_equal(*list.size(), 5);
    assert_int_equal(*list.get(0), 0);
    assert_int_equal(*list.get(4), 40);
    assert_int_equal(*list.get(-1), 40);
    assert_int_equal(*list.get(-5), 0);
    for (const std::ptrdiff_t beyond :
         {std::ptrdiff_t{5}, std::ptrdiff_t{-6}, PTRDIFF_MAX, PTRDIFF_MIN}) {
        assert_code(list.get(beyond), Errc::out_of_range);
        assert_code(list.set(beyond, 1), Errc::out_of_range);
        assert_code(list.pop(beyond), Errc::out_of_range);
        assert_code(list.update(beyond, [](int&) { fail(); }), Errc::out_of_range);
    }
    assert_ok(list.set(1, 11));
    assert_ok(list.set(-2, 33));
    assert_true(content(list) == (std::vector<int>{0, 11, 20, 33, 40}));
    assert_ok(list.update(-1, [](int& value) { value += 2; }));
    assert_int_equal(*list.get(4), 42);
    assert_int_equal(*list.pop(), 42);
    assert_int_equal(*list.pop(0), 0);
    assert_int_equal(*list.pop(-2), 20);
    assert_true(content(list) == (std::vector<int>{11, 33}));
}

void elements_are_inserted_where_python_would(void**) {
    const Manager manager = make_manager();
    const auto list = make_list(manager, {1, 2});
    assert_ok(list.insert(0, 0));
    assert_ok(list.insert(100, 5));
    assert_ok(list.insert(-1, 4));
    assert_ok(list.insert(3, 3));
    assert_ok(list.insert(-100, -1));
    assert_true(content(list) == range(-1, 6));
    assert_ok(list.extend(nullptr, 0));
    assert_code(list.extend(nullptr, 3), Errc::bad_argument);
    assert_int_equal(*list.size(), 7);
}

void equal_elements_are_found_counted_and_removed(void**) {
    const Manager manager = make_manager();
    const auto list = make_list(manager, {3, 1, 4, 1, 5, 1});
    assert_int_equal(*list.index(1), 1);
    assert_int_equal(*list.index(5), 4);
    assert_code(list.index(9), Errc::not_found);
    assert_int_equal(*list.count(1), 3);
    assert_int_equal(*list.count(9), 0);
    assert_true(*list.contains(4));
    assert_false(*list.contains(9));
    assert_ok(list.remove(1));
    assert_true(content(list) == (std::vector<int>{3, 4, 1, 5, 1}));
    assert_code(list.remove(9), Errc::not_found);
    assert_int_equal(*list.size(), 5);
}

void lists_are_reversed_and_sorted(void**) {
    const Manager manager = make_manager();
    for (const int size : {0, 1, 2, 3, 5, 64, 65, 1000}) {
        std::vector<int> values;
        test::Random random(static_cast<std::uint64_t>(size));
        for (int i = 0; i < size; ++i) {
            values.push_back(static_cast<int>(random.below(1000)) - 500);
        }
        const auto list = make_list(manager, values);
        assert_ok(list.reverse());
        std::reverse(values.begin(), values.end());
        assert_true(content(list) == values);
        // By the last digit, which leaves those of the same digit as they were.
        const auto by_digit = [](const int& a, const int& b) { return a % 10 < b % 10; };
        assert_ok(list.sort(by_digit));
        std::stable_sort(values.begin(), values.end(), by_digit);
        assert_true(content(list) == values);
        assert_ok(list.sort());
        std::sort(values.begin(), values.end());
        assert_true(content(list) == values);
        assert_ok(list.drop());
    }
}

void text_is_sorted_as_bytes_are(void**) {
    const Manager manager = make_manager();
    const auto list = manager.list<Text<16>>().expect("making a list");
    for (const char* const text : {"pear", "", "fig", "figs", "apple"}) {
        assert_ok(list.append(text));
    }
    assert_ok(list.sort());
    const std::vector<Text<16>> sorted = content(list);
    const char* const wanted[] = {"", "apple", "fig", "figs", "pear"};
    for (std::size_t i = 0; i < 5; ++i) { assert_string_equal(sorted[i].c_str(), wanted[i]); }
}

// What Python gives for list(range(count))[from:to:step].
std::vector<int> python_slice(int count, std::ptrdiff_t from, std::ptrdiff_t to,
                              std::ptrdiff_t step) {
    const auto bound = [=](std::ptrdiff_t at) {
        if (at < 0) { at += count; }
        const std::ptrdiff_t least = step < 0 ? -1 : 0, most = step < 0 ? count - 1 : count;
        return std::min(std::max(at, least), most);
    };
    std::vector<int> out;
    const std::ptrdiff_t end = bound(to);
    for (std::ptrdiff_t at = bound(from); step < 0 ? at > end : at < end; at += step) {
        out.push_back(static_cast<int>(at));
    }
    return out;
}

void slices_are_those_of_python(void**) {
    const Manager manager = make_manager();
    using L = List<int>;
    for (const int count : {0, 1, 7}) {
        const L list = make_list(manager, range(0, count));
        for (std::ptrdiff_t from = -9; from <= 9; ++from) {
            for (std::ptrdiff_t to = -9; to <= 9; ++to) {
                for (const std::ptrdiff_t step : {1, 2, 3, 10, -1, -2, -3, -10}) {
                    assert_true(taken<int>(list.slice(from, to, step)) ==
                                python_slice(count, from, to, step));
                }
            }
        }
        assert_code(list.slice(0, 1, 0), Errc::bad_argument);
    }
    const L list = make_list(manager, range(0, 7));
    assert_true(taken<int>(list.slice(2)) == range(2, 7));
    assert_true(taken<int>(list.slice(-2)) == range(5, 7));
    assert_true(taken<int>(list.slice(L::kEnd, L::kBegin, -1)) ==
                (std::vector<int>{6, 5, 4, 3, 2, 1, 0}));
    assert_true(taken<int>(list.slice(1, L::kEnd, PTRDIFF_MAX)) == (std::vector<int>{1}));
    assert_true(taken<int>(list.slice(5, L::kBegin, PTRDIFF_MIN)) == (std::vector<int>{5}));
    const auto items = list.items().expect("copying");
    assert_ok(list.set(0, 100));
    assert_int_equal(items[0], 0);  // It is a copy.
}

void slices_are_erased(void**) {
    const Manager manager = make_manager();
    for (const int count : {0, 7, 100}) {
        for (const std::ptrdiff_t from : {-200, -30, -3, 0, 2, 60, 200}) {
            for (const std::ptrdiff_t to : {-200, -30, -3, 0, 2, 60, 200}) {
                const auto list = make_list(manager, range(0, count));
                std::vector<int> left = range(0, count);
                const std::vector<int> gone = python_slice(count, from, to, 1);
                for (const int value : gone) {
                    left.erase(std::find(left.begin(), left.end(), value));
                }
                assert_ok(list.erase(from, to));
                assert_true(content(list) == left);
                assert_ok(list.drop());
            }
        }
    }
    const auto list = make_list(manager, range(0, 1000));
    assert_ok(list.clear());
    assert_ok(list.clear());
    assert_int_equal(*list.size(), 0);
    assert_ok(list.append(1));
    assert_true(content(list) == (std::vector<int>{1}));
}

void elements_have_the_length_that_they_have(void**) {
    const Manager manager = make_manager();
    const auto texts = manager.list<Text<2000>>().expect("making a list");
    char longest[2000] = {};
    memset(longest, 'x', sizeof longest - 1);
    const char* const samples[] = {"", "a", longest, "middling"};
    for (const char* const sample : samples) { assert_ok(texts.append(sample)); }
    assert_ok(texts.set(0, longest));  // To more, and to fewer bytes than there is room for.
    assert_ok(texts.set(2, ""));
    assert_ok(texts.set(1, longest + 1799));  // Too long for its block, and not for the log.
    assert_int_equal(texts.get(1)->size(), 200);
    assert_ok(texts.set(1, "a"));
    assert_string_equal(texts.get(0)->c_str(), longest);
    assert_string_equal(texts.get(2)->c_str(), "");
    assert_string_equal(texts.get(-1)->c_str(), "middling");
    assert_int_equal(*texts.index(""), 2);
    const auto shorter = List<Text<8>>(texts);
    assert_code(shorter.get(0), Errc::buffer_too_short);
    assert_code(shorter.pop(0), Errc::buffer_too_short);
    assert_code(shorter.update(0, [](Text<8>&) { fail(); }), Errc::buffer_too_short);
    assert_int_equal(*texts.size(), 4);
    assert_string_equal(shorter.get(1)->c_str(), "a");

    constexpr std::size_t kLarge = std::size_t{1} << 20;
    static Bytes<kLarge> large;
    static unsigned char filling[kLarge];
    memset(filling, 7, sizeof filling);
    large = *Bytes<kLarge>::from(filling, sizeof filling);
    const auto bytes = manager.list<Bytes<kLarge>>().expect("making a list");
    const std::uint64_t before = bytes_used(manager);
    for (int i = 0; i < 20; ++i) { assert_ok(bytes.append(large)); }
    assert_true(bytes_used(manager) >= before + 20 * kLarge);
    static brood::Result<Bytes<kLarge>> last = Errc::empty;
    last = bytes.pop();
    assert_true(*last == large);
    assert_ok(bytes.clear());
    assert_true(bytes_used(manager) < before + 256 * 1024);
}

void structs_and_floating_point_are_elements_too(void**) {
    struct Point {
        double x, y;
        char label;
    };
    const Manager manager = make_manager();
    const auto points = manager.list<Point>().expect("making a list");
    assert_ok(points.append({1.5, 2, 'b'}));
    assert_ok(points.append({0.5, 3, 'a'}));
    assert_ok(points.sort([](const Point& a, const Point& b) { return a.x < b.x; }));
    assert_int_equal(points.get(0)->label, 'a');
    const auto floats = manager.list<double>().expect("making a list");
    for (const double value : {2.5, -1.0, 0.0}) { assert_ok(floats.append(value)); }
    assert_ok(floats.sort());
    assert_true(content(floats) == (std::vector<double>{-1.0, 0.0, 2.5}));
}

void a_function_may_not_use_the_list_it_was_given_to(void**) {
    const Manager manager = make_manager();
    const auto list = make_list(manager, {2, 1});
    const auto other = make_list(manager, {});
    assert_ok(list.update(0, [&](int& value) {
        assert_code(list.append(3), Errc::would_deadlock);
        assert_code(list.get(0), Errc::would_deadlock);
        assert_code(list.drop(), Errc::would_deadlock);
        assert_ok(other.append(value));
        const std::vector<int> many = range(0, 100);
        assert_code(list.extend(many.data(), many.size()), Errc::would_deadlock);
    }));
    assert_ok(list.sort([&](const int& a, const int& b) {
        assert_code(list.size(), Errc::would_deadlock);
        return a < b;
    }));
    assert_true(content(list) == (std::vector<int>{1, 2}));
    assert_true(content(other) == (std::vector<int>{2}));
    assert_int_equal(manager.stats()->objects, 2);
}

void a_dropped_list_is_closed_and_another_type_is_refused(void**) {
    const Manager manager = make_manager();
    const auto list = manager.list<int>("numbers").expect("making a list");
    assert_code(manager.list<int>("numbers"), Errc::already_exists);
    assert_code(manager.find<List<long long>>("numbers"), Errc::type_mismatch);
    assert_code(manager.find<List<unsigned>>("numbers"), Errc::type_mismatch);
    assert_code((manager.find<Dict<int, int>>("numbers")), Errc::type_mismatch);
    const auto found = manager.find<List<int>>("numbers").expect("finding");
    assert_true(found == list);
    const List<long long> wrong(list);
    assert_code(wrong.append(1), Errc::type_mismatch);
    assert_code(wrong.size(), Errc::type_mismatch);
    const std::vector<long long> many(100);
    assert_code(wrong.extend(many.data(), many.size()), Errc::type_mismatch);
    assert_ok(found.drop());
    const std::vector<int> ints(100);
    assert_code(list.append(1), Errc::closed);
    assert_code(list.extend(ints.data(), ints.size()), Errc::closed);
    assert_code(list.insert(0, 1), Errc::closed);
    assert_code(list.get(0), Errc::closed);
    assert_code(list.set(0, 1), Errc::closed);
    assert_code(list.pop(), Errc::closed);
    assert_code(list.update(0, [](int&) {}), Errc::closed);
    assert_code(list.index(1), Errc::closed);
    assert_code(list.contains(1), Errc::closed);
    assert_code(list.count(1), Errc::closed);
    assert_code(list.remove(1), Errc::closed);
    assert_code(list.size(), Errc::closed);
    assert_code(list.clear(), Errc::closed);
    assert_code(list.erase(0, 1), Errc::closed);
    assert_code(list.reverse(), Errc::closed);
    assert_code(list.sort(), Errc::closed);
    assert_code(list.items(), Errc::closed);
    assert_code(list.drop(), Errc::closed);
    assert_code(List<int>().append(1), Errc::closed);
    assert_code(List<int>().extend(ints.data(), ints.size()), Errc::closed);
    assert_int_equal(manager.stats()->objects, 0);
    assert_code(list.append(1, brood::milliseconds(-1)), Errc::timeout_negative);
}

// ---- Objects in objects ------------------------------------------------------------------------

void lists_are_elements_of_containers(void**) {
    const Manager manager = make_manager();
    const auto groups = manager.dict<Text<16>, List<int>>().expect("making a dict");
    assert_ok(groups.set("even", manager.list<int>().expect("making a list")));
    assert_ok(groups.get("even")->append(2));
    assert_ok(groups.get("even")->append(4));
    assert_true(content(*groups.get("even")) == (std::vector<int>{2, 4}));
    const auto rows = manager.list<Dict<int, int>>().expect("making a list");
    for (int i = 0; i < 3; ++i) {
        const auto row = manager.dict<int, int>().expect("making a dict");
        assert_ok(row.set(1, i));
        assert_ok(rows.append(row));
    }
    assert_int_equal(*rows.get(-1)->get(1), 2);
    assert_ok(rows.get(2)->drop());
    assert_code(rows.get(2)->get(1), Errc::closed);  // Its handle stays.
    const auto gone = *rows.get(2);
    assert_code(rows.append(gone), Errc::closed);
    assert_code(rows.set(0, gone), Errc::closed);
    assert_int_equal(*rows.size(), 3);
    const std::vector<Dict<int, int>> many(50, gone);
    assert_code(rows.extend(many.data(), many.size()), Errc::closed);
    assert_int_equal(*rows.size(), 3);
    const Manager stranger = make_manager();
    assert_code(rows.append(stranger.dict<int, int>().expect("making a dict")), Errc::closed);
    // Python's b.append(b): a list of handles may hold its own.
    const auto self = manager.list<brood::detail::ManagedHandle>().expect("making a list");
    assert_ok(self.append(self));
    assert_true(*self.get(0) == self);
    assert_ok(self.drop());
}

void what_a_dead_maker_stored_is_kept_and_the_rest_swept(void**) {
    const Manager manager = make_manager();
    const auto rows = manager.list<List<int>>().expect("making a list");
    const std::uint32_t before = manager.stats()->objects;
    const pid_t maker = test::child([&] {
        for (int way = 0; way < 4; ++way) {
            const auto row = manager.list<int>(way == 3 ? "named" : "").expect("making a list");
            row.append(way).expect("appending");
            if (way == 0) { rows.append(row).expect("storing"); }
            if (way == 1) { rows.insert(0, row).expect("storing"); }
            // The third is left behind.
        }
        return 0;
    });
    assert_int_equal(test::join_child(maker), 0);
    // Whoever makes objects sweeps.
    for (int i = 0; i < 8; ++i) { assert_ok(manager.list<int>().expect("making a list").drop()); }
    assert_int_equal(manager.stats()->objects, before + 3);
    assert_int_equal(*rows.get(0)->get(0), 1);
    assert_int_equal(*rows.get(1)->get(0), 0);
    assert_int_equal(*manager.find<List<int>>("named")->get(0), 3);
}

// ---- Memory ------------------------------------------------------------------------------------

void many_elements_come_and_their_memory_goes_back(void**) {
    constexpr int kMany = 100000;
    const Manager manager = make_manager();
    const auto list = manager.list<int>().expect("making a list");
    const std::uint64_t before = bytes_used(manager);
    for (int i = 0; i < kMany; ++i) { assert_ok(list.append(i)); }
    for (int i = 0; i < kMany; ++i) { assert_int_equal(*list.get(i), i); }
    const std::uint64_t full = bytes_used(manager);
    assert_true(full - before < std::uint64_t{kMany} * 32);
    for (int i = kMany - 1; i >= 0; --i) { assert_int_equal(*list.pop(), i); }
    assert_true(bytes_used(manager) < before + 64 * 1024);
    const std::vector<int> values = range(0, kMany);
    assert_ok(list.extend(values.data(), values.size()));
    assert_true(content(list) == values);
    for (int i = 0; i < kMany / 2; ++i) { assert_int_equal(*list.pop(0), i); }
    assert_ok(list.erase(10, -10));
    assert_int_equal(*list.size(), 20);
    assert_true(bytes_used(manager) < before + 128 * 1024);
    assert_ok(list.extend(values.data(), values.size()));
    assert_ok(list.clear());
    assert_true(bytes_used(manager) < before + 128 * 1024);
    assert_ok(list.drop());
    assert_int_equal(manager.stats()->objects, 0);
}

// One that is used as a queue stays as it is.
void memory_stays_flat(void**) {
    const Manager manager = make_manager(4 << 20);
    const auto list = make_list(manager, range(0, 100));
    std::uint64_t most = 0;
    for (int i = 0; i < 20000; ++i) {
        assert_ok(list.append(100 + i));
        assert_int_equal(*list.pop(0), i);
        if (i == 1000) { most = bytes_used(manager); }
    }
    assert_true(bytes_used(manager) <= most + 64 * 1024);
}

void a_full_manager_refuses_whole_calls(void**) {
    const Manager manager = make_manager(256 * 1024);
    const auto other = make_list(manager, {1, 2, 3});
    const auto list = manager.list<Text<200>>().expect("making a list");
    char text[200];
    const auto text_of = [&text](std::size_t i) {
        memset(text, 'a' + static_cast<int>(i % 26), sizeof text - 1);
        text[sizeof text - 1] = '\0';
        return Text<200>(text);
    };
    std::size_t count = 0;
    brood::Status status;
    while ((status = list.append(text_of(count))).ok()) { ++count; }
    assert_code(status, Errc::no_space);
    assert_true(count > 100);
    const std::vector<Text<200>> many(100, Text<200>(text_of(3)));
    assert_code(list.extend(many.data(), many.size()), Errc::no_space);
    assert_code(list.insert(0, text_of(1)), Errc::no_space);
    assert_code(list.insert(50, text_of(1)), Errc::no_space);
    assert_int_equal(*list.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
        assert_true(*list.get(static_cast<std::ptrdiff_t>(i)) == text_of(i));
    }
    assert_true(content(other) == (std::vector<int>{1, 2, 3}));
    assert_int_equal(manager.stats()->objects, 2);
    // What takes nothing more works, and what gives something back.
    assert_ok(list.set(7, text_of(8)));
    assert_true(*list.pop() == text_of(count - 1));
    assert_true(*list.pop(0) == text_of(0));
    assert_ok(list.append(text_of(1)));
    assert_ok(list.clear());
    for (std::size_t i = 0; i < count; ++i) { assert_ok(list.append(text_of(i))); }
}

// ---- Many calls, many processes ----------------------------------------------------------------

void it_is_as_a_vector_after_any_calls(void**) {
    const Manager manager = make_manager();
    const auto list = manager.list<int>().expect("making a list");
    std::vector<int> model;
    test::Random random(4711);
    int next = 0;
    for (int round = 0; round < 20000; ++round) {
        const auto size = static_cast<std::uint32_t>(model.size());
        const std::uint32_t at = random.below(size + 1);
        const bool grows = round / 2000 % 2 == 0;
        switch (random.below(size == 0 ? 2 : 10)) {
            case 0:
                assert_ok(list.append(next));
                model.push_back(next++);
                break;
            case 1: {
                const std::vector<int> values =
                    range(next, next + static_cast<int>(random.below(grows ? 60 : 10)));
                next += 60;
                assert_ok(list.extend(values.data(), values.size()));
                model.insert(model.end(), values.begin(), values.end());
                break;
            }
            case 2:
            case 3:
                assert_ok(list.insert(at, next));
                model.insert(model.begin() + at, next++);
                break;
            case 4: {
                const auto index = static_cast<std::ptrdiff_t>(at % size) -
                                   static_cast<std::ptrdiff_t>(size);
                assert_int_equal(*list.pop(index), model[at % size]);
                model.erase(model.begin() + at % size);
                break;
            }
            case 5:
                assert_int_equal(*list.pop(0), model[0]);
                model.erase(model.begin());
                break;
            case 6: {
                const std::uint32_t to = std::min(size, at + random.below(grows ? 10 : 100));
                assert_ok(list.erase(at, to));
                model.erase(model.begin() + at, model.begin() + to);
                break;
            }
            case 7:
                assert_ok(list.reverse());
                std::reverse(model.begin(), model.end());
                break;
            case 8:
                assert_ok(list.set(at % size, next));
                model[at % size] = next++;
                break;
            default: assert_int_equal(*list.get(at % size), model[at % size]); break;
        }
        if (round % 100 == 0) { assert_true(content(list) == model); }
    }
    assert_true(content(list) == model);
}

void processes_append_each_in_its_order(void**) {
    constexpr int kWorkers = 4, kEach = 10000;
    const Manager manager = make_manager();
    const auto list = manager.list<int>().expect("making a list");
    pid_t workers[kWorkers];
    for (int w = 0; w < kWorkers; ++w) {
        workers[w] = test::child([=] {
            for (int i = 0; i < kEach; ++i) { CHILD_EXPECT(list.append(w * kEach + i).ok()); }
            return 0;
        });
    }
    for (const pid_t worker : workers) { assert_int_equal(test::join_child(worker), 0); }
    int next[kWorkers] = {};
    for (const int value : content(list)) {
        assert_int_equal(value % kEach, next[value / kEach]++);
    }
    for (const int count : next) { assert_int_equal(count, kEach); }
}

void nobody_sees_a_part_of_an_extend(void**) {
    constexpr int kRounds = 200;
    const Manager manager = make_manager();
    const auto list = manager.list<int>().expect("making a list");
    const pid_t writer = test::child([=] {
        const std::vector<int> values(100, 1);
        for (int i = 0; i < kRounds; ++i) {
            CHILD_EXPECT(list.extend(values.data(), values.size()).ok());
        }
        return 0;
    });
    while (*list.size() < 100 * kRounds && !test::has_ended(writer)) {
        assert_int_equal(*list.size() % 100, 0);
    }
    assert_int_equal(test::join_child(writer), 0);
    assert_int_equal(*list.size(), 100 * kRounds);
    assert_int_equal(manager.stats()->objects, 1);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_got_and_set_by_index),
        cmocka_unit_test(elements_are_inserted_where_python_would),
        cmocka_unit_test(equal_elements_are_found_counted_and_removed),
        cmocka_unit_test(lists_are_reversed_and_sorted),
        cmocka_unit_test(text_is_sorted_as_bytes_are),
        cmocka_unit_test(slices_are_those_of_python),
        cmocka_unit_test(slices_are_erased),
        cmocka_unit_test(elements_have_the_length_that_they_have),
        cmocka_unit_test(structs_and_floating_point_are_elements_too),
        cmocka_unit_test(a_function_may_not_use_the_list_it_was_given_to),
        cmocka_unit_test(a_dropped_list_is_closed_and_another_type_is_refused),
        cmocka_unit_test(lists_are_elements_of_containers),
        cmocka_unit_test(what_a_dead_maker_stored_is_kept_and_the_rest_swept),
        cmocka_unit_test(many_elements_come_and_their_memory_goes_back),
        cmocka_unit_test(memory_stays_flat),
        cmocka_unit_test(a_full_manager_refuses_whole_calls),
        cmocka_unit_test(it_is_as_a_vector_after_any_calls),
        cmocka_unit_test(processes_append_each_in_its_order),
        cmocka_unit_test(nobody_sees_a_part_of_an_extend),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
