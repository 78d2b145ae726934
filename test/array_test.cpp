// Goal: Array<T> is what multiprocessing.Array is. Each test is named after a row of the notes
// (api.md, "Shared state and locks").
#include "shared_support.hpp"

#include <brood/array.hpp>
#include <brood/text.hpp>

using namespace shared_test;
using brood::Array;
using brood::Errc;
using brood::Locked;
using brood::Result;

namespace {

void array_from_a_list(void**) {
    Array<int> array = Array<int>::create({1, 2, 3, 4, 5}).expect("list");
    assert_int_equal(array.size(), 5);
    const pid_t child = start_child([&] {
        for (int& element : array) { element = -element; }
    });
    assert_int_equal(end_of(child), 0);
    for (int i = 0; i < 5; ++i) { assert_int_equal(array[static_cast<size_t>(i)], -1 - i); }
}

void array_of_n_is_zeroed(void**) {
    const Array<double> array = Array<double>::create(10000).expect("zeroed");
    assert_int_equal(array.size(), 10000);
    for (const double element : array) { assert_true(element >= 0 && element <= 0); }
}

void array_of_characters_is_text(void**) {
    Array<char> text = Array<char>::create_text("kjk").expect("text");
    assert_int_equal(text.size(), 3);
    assert_memory_equal(text.data(), "kjk", 3);
    const pid_t child = start_child([&] { text[1] = 'a'; });
    assert_int_equal(end_of(child), 0);
    assert_memory_equal(text.data(), "kak", 3);
    assert_error(Array<char>::create_text(nullptr).code(), Errc::bad_argument, "null");
    assert_error(Array<char>::create_text("").code(), Errc::size_zero, "empty");
}

void iteration_sees_every_element_once(void**) {
    Array<int> array = Array<int>::create(100).expect("array");
    int next = 0;
    for (int& element : array) { element = next++; }
    const Array<int>& readable = array;
    int sum = 0;
    for (const int element : readable) { sum += element; }
    assert_int_equal(sum, 4950);
    assert_ptr_equal(array.end() - array.begin(), array.size());
}

void indexing_is_checked_by_at(void**) {
    Array<int> array = Array<int>::create({10, 20, 30}).expect("array");
    assert_int_equal(array[2], 30);
    assert_int_equal(**array.at(0), 10);
    **array.at(2) = 31;
    assert_int_equal(array[2], 31);
    for (const size_t index : {size_t{3}, size_t{4}, SIZE_MAX}) {
        const Result<int*> beyond = array.at(index);
        assert_error(beyond.code(), Errc::out_of_range, "at");
        assert_int_equal(beyond.error().detail(), static_cast<int64_t>(index));
    }
}

void slices_are_parts_of_the_array(void**) {
    Array<int> array = Array<int>::create({0, 1, 2, 3, 4, 5}).expect("array");
    const brood::Slice<int> middle = *array.slice(2, 3);
    assert_int_equal(middle.size(), 3);
    for (int& element : middle) { element *= 100; }
    assert_int_equal(array[1], 1);
    assert_int_equal(array[2], 200);
    assert_int_equal(middle[2], 400);
    assert_int_equal(array[5], 5);

    struct Row {
        size_t first, count;
        Errc wanted;
    };
    const Row rows[] = {
        {0, 6, Errc::ok},
        {0, 7, Errc::out_of_range},
        {6, 0, Errc::ok},
        {6, 1, Errc::out_of_range},
        {7, 0, Errc::out_of_range},
        {SIZE_MAX, 2, Errc::out_of_range},
        {2, SIZE_MAX, Errc::out_of_range},
    };
    for (const Row& row : rows) {
        assert_error(array.slice(row.first, row.count).code(), row.wanted, "slice");
    }
}

void structs_are_elements(void**) {
    struct Point {
        double x, y;
        brood::Text<8> label;
    };
    Array<Point> points = Array<Point>::create({{1, 2, "a"}, {3, 4, "b"}}).expect("points");
    const pid_t child = start_child([&] {
        for (Point& point : points) { point.x += point.y; }
        points[1].label = "moved";
    });
    assert_int_equal(end_of(child), 0);
    assert_true(points[1].x > 6.9 && points[1].x < 7.1);
    assert_string_equal(points[1].label.c_str(), "moved");
}

void elements_are_aligned_to_64_bytes(void**) {
    struct alignas(64) Line {
        char bytes[64];
    };
    Array<Line> lines = Array<Line>::create(3).expect("lines");
    assert_int_equal(reinterpret_cast<uintptr_t>(lines.data()) % 64, 0);
}

void get_lock_guards_the_elements(void**) {
    constexpr int kProcesses = 4, kEach = 500;
    Array<int> array = Array<int>::create(16).expect("array");
    pid_t children[kProcesses];
    for (pid_t& child : children) {
        child = start_child([&] {
            for (int i = 0; i < kEach; ++i) {
                CHECK_IN_CHILD(array
                                   .with_lock([](Array<int>& all) {
                                       const int before = all[0];
                                       for (int& element : all) {
                                           CHECK_IN_CHILD(element ==
                                                          before);  // Nobody sees half a change.
                                           ++element;
                                       }
                                   })
                                   .ok());
            }
        });
    }
    for (const pid_t child : children) { assert_int_equal(end_of(child), 0); }
    for (const int element : array) { assert_int_equal(element, kProcesses * kEach); }
    const Locked hold = array.lock().acquire();
    assert_true(static_cast<bool>(hold));
}

void sizes_that_cannot_be_are_refused(void**) {
    struct Row {
        size_t count;
        Errc wanted;
    };
    const Row rows[] = {
        {0, Errc::size_zero},
        {SIZE_MAX, Errc::size_too_large},
        {SIZE_MAX / 8, Errc::size_too_large},
        {SIZE_MAX / 8 + 1, Errc::size_too_large},  // Times 8 it is 0 in the arithmetic of size_t.
        {SIZE_MAX / 16, Errc::size_too_large},     // With the header, just beyond the largest.
    };
    const Name name("sizes");
    for (const Row& row : rows) {
        assert_error(Array<int64_t>::create(row.count).code(), row.wanted, "anonymous");
        assert_error(Array<int64_t>::create_named(name, row.count).code(), row.wanted, "named");
    }
    assert_error(Array<int>::create({}).code(), Errc::size_zero, "empty list");
    if (!excess_is_refused()) { return; }
    // What the address space could hold, but no memory: refused, and nothing left.
    const size_t beyond_memory = static_cast<size_t>(1) << (sizeof(size_t) * 8 - 3);
    const Errc anonymous = Array<char>::create(beyond_memory).code();
    const Errc named = Array<char>::create_named(name, beyond_memory).code();
    assert_true(anonymous == Errc::no_memory || anonymous == Errc::no_space);
    assert_true(named == Errc::no_memory || named == Errc::no_space);
}

void a_named_array_is_opened_in_its_whole_length(void**) {
    const Name name("array");
    Array<int> made = Array<int>::create_named(name, 1000).expect("creating");
    const pid_t child = start_child([&] {
        Array<int> opened = Array<int>::open(name).expect("opening");
        CHECK_IN_CHILD(opened.size() == 1000);
        for (size_t i = 0; i < opened.size(); ++i) { opened[i] = static_cast<int>(i); }
        Array<int> moved = std::move(opened);
        CHECK_IN_CHILD(opened.size() == 0 && moved[999] == 999);
    });
    assert_int_equal(end_of(child), 0);
    assert_int_equal(made[999], 999);
    assert_error(Array<short>::open(name).code(), Errc::type_mismatch, "other size");
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(array_from_a_list),
        TIDY(array_of_n_is_zeroed),
        TIDY(array_of_characters_is_text),
        TIDY(iteration_sees_every_element_once),
        TIDY(indexing_is_checked_by_at),
        TIDY(slices_are_parts_of_the_array),
        TIDY(structs_are_elements),
        TIDY(elements_are_aligned_to_64_bytes),
        TIDY(get_lock_guards_the_elements),
        TIDY(sizes_that_cannot_be_are_refused),
        TIDY(a_named_array_is_opened_in_its_whole_length),
    };
    return cmocka_run_group_tests_name("array", tests, nullptr, nullptr);
}
