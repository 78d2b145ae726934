// Goal: whoever is killed while he uses a list or a dictionary, at whatever moment, leaves it as it
// was between two of his calls, holds nobody up, and leaves no memory behind.
// Method: a child makes calls drawn by chance, which the parent knows how to draw, too, and says
// after each how many it has made. It is killed at a random moment, some hundred times. Then the
// parent makes the same calls with a std::vector: the list must be as it is after the calls that
// were made, or after the one more that had begun.
#include "process_support.hpp"

#include <algorithm>
#include <vector>

#include <brood/manager.hpp>

using brood::Dict;
using brood::List;
using brood::Manager;
using brood::Text;
using test::assert_ok;

namespace {

constexpr int kKills = 200 / test::kForkShare;

/// What call number `number` does, with a list of `size` elements.
struct Call {
    Call(std::uint32_t number, std::size_t size_now)
        : random(number), size(static_cast<std::uint32_t>(size_now)) {
        what = random.below(size == 0 ? 2 : size > 400 ? 10 : 8);
        at = size == 0 ? 0 : random.below(size);
        value = static_cast<int>(random.below(1000));
        for (std::uint32_t i = random.below(80); i > 0; --i) {
            values.push_back(static_cast<int>(random.below(1000)));
        }
    }
    test::Random random;
    std::uint32_t size, what, at;
    int value;
    std::vector<int> values;
};

bool make(const Call& call, const List<int>& list) {
    switch (call.what) {
        case 0: return list.append(call.value).ok();
        case 1: return list.extend(call.values.data(), call.values.size()).ok();
        case 2: return list.insert(call.at, call.value).ok();
        case 3: return list.pop().ok();
        case 4: return list.pop(call.at).ok();
        case 5: return list.sort().ok();
        case 6: return list.set(call.at, call.value).ok();
        case 7: return list.reverse().ok();
        case 8: return list.erase(call.at, PTRDIFF_MAX).ok();
        default: return list.erase(0, call.at).ok();
    }
}

void make(const Call& call, std::vector<int>& list) {
    const auto at = list.begin() + call.at;
    switch (call.what) {
        case 0: list.push_back(call.value); break;
        case 1: list.insert(list.end(), call.values.begin(), call.values.end()); break;
        case 2: list.insert(at, call.value); break;
        case 3: list.pop_back(); break;
        case 4: list.erase(at); break;
        case 5: std::sort(list.begin(), list.end()); break;
        case 6: *at = call.value; break;
        case 7: std::reverse(list.begin(), list.end()); break;
        case 8: list.erase(at, list.end()); break;
        default: list.erase(list.begin(), at); break;
    }
}

std::vector<int> content(const List<int>& list) {
    std::vector<int> out;
    for (const int value : list.items(test::kLong).expect("copying")) { out.push_back(value); }
    return out;
}

struct Talk {
    std::atomic<std::uint32_t> made{0};
};

void sleep_us(std::uint32_t us) {
    const timespec time = {0, static_cast<long>(us) * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

/// Starts `body`, and kills it at a moment of its first milliseconds.
template <class Body>
void kill_some_day(test::Random& random, Body body) {
    test::Handshake begun;
    const pid_t victim = test::child([&] {
        begun.tell();
        return body();
    });
    assert_true(begun.await());
    sleep_us(random.below(4000));
    assert_int_equal(test::killed(victim), -SIGKILL);
}

void a_list_is_as_between_two_calls_of_the_killed(void**) {
    const Manager manager = Manager::create().expect("making the manager");
    const auto list = manager.list<int>().expect("making a list");
    const test::Board<Talk> talk;
    std::vector<int> model;
    std::uint32_t number = 0;
    int unfinished = 0;
    test::Random random(815);
    for (int kill = 0; kill < kKills; ++kill) {
        kill_some_day(random, [&] {
            for (std::uint32_t next = number;; ++next) {
                const auto size = list.size();
                CHILD_EXPECT(size.ok() && make(Call(next, *size), list));
                talk->made.store(next + 1);
            }
            return 0;
        });
        for (const std::uint32_t made = talk->made.load(); number < made; ++number) {
            make(Call(number, model.size()), model);
        }
        const std::vector<int> found = content(list);
        assert_int_equal(*list.size(test::kLong), found.size());
        if (found == model) { continue; }
        make(Call(number, model.size()), model);
        talk->made.store(++number);
        ++unfinished;
        assert_true(found == model);
    }
    print_message("%u calls, %d killed after a call was done and before that was told\n", number,
                  unfinished);
    assert_true(number > static_cast<std::uint32_t>(kKills));
    // Nothing is left of what the killed had begun.
    for (int i = 0; i < 600; ++i) { assert_ok(manager.list<int>()->drop()); }
    assert_ok(list.drop());
    assert_int_equal(manager.stats()->objects, 0);
    const std::uint64_t used = manager.stats()->bytes_used;
    print_message("%lu bytes are used\n", static_cast<unsigned long>(used));
    const Manager fresh = Manager::create().expect("making the manager");
    assert_true(used < fresh.stats()->bytes_used + 160 * 1024);
}

// Each value is written in two dictionaries' worth of bytes: text that is its key again.
void a_dict_is_whole_whoever_is_killed(void**) {
    const Manager manager = Manager::create().expect("making the manager");
    const auto dict = manager.dict<int, Text<600>>().expect("making a dict");
    const auto text_of = [](int key) {
        Text<600> text;
        for (int i = 0; i <= key % 40; ++i) {
            char part[16];
            snprintf(part, sizeof part, "%d,", key);
            (void)text.append(part);
        }
        return text;
    };
    test::Random random(1302);
    for (int kill = 0; kill < kKills; ++kill) {
        const std::uint32_t seed = random.next();
        kill_some_day(random, [&] {
            for (test::Random calls(seed);;) {
                const int key = static_cast<int>(calls.below(3000));
                const auto erased = calls.below(3) == 0 ? dict.erase(key) : brood::Status();
                CHILD_EXPECT(erased.ok() || erased.code() == brood::Errc::not_found);
                CHILD_EXPECT(dict.set(key, text_of(key)).ok());
                if (calls.below(2000) == 0) { CHILD_EXPECT(dict.clear().ok()); }
            }
            return 0;
        });
        std::size_t count = 0;
        for (const auto [key, value] : dict.items(test::kLong).expect("copying")) {
            assert_true(value == text_of(key));
            assert_true(*dict.get(key) == value);
            ++count;
        }
        assert_int_equal(*dict.size(), count);
    }
    assert_ok(dict.clear());
    for (int i = 0; i < 600; ++i) { assert_ok(manager.list<int>()->drop()); }
    const Manager fresh = Manager::create().expect("making the manager");
    assert_true(manager.stats()->bytes_used < fresh.stats()->bytes_used + 512 * 1024);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_as_between_two_calls_of_the_killed),
        cmocka_unit_test(a_dict_is_whole_whoever_is_killed),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
