// Goal: whatever is done with dictionaries, in whatever order, also where there is no space: they
// hold what a std::map would, and their arena is in order.
// Method: what is done is drawn by chance, in arenas small and large; arena_check.hpp looks at all.
#include "process_support.hpp"

#include <map>
#include <string>

#include <brood/manager.hpp>
#include <brood/text.hpp>

#include "arena_check.hpp"

using brood::Dict;
using brood::Errc;
using brood::Manager;
using brood::Text;
using test::assert_ok;

namespace {

using Value = Text<9000>;
using Numbers = Dict<std::uint32_t, Value>;
using Model = std::map<std::uint32_t, std::string>;

void assert_in_order(const Numbers& dict) {
    const char* const fault = test::arena_fault(dict);
    if (fault != nullptr) { fail_msg("%s", fault); }
}

void assert_equal(const Numbers& dict, const Model& model) {
    assert_int_equal(*dict.size(), model.size());
    std::size_t count = 0;
    for (const auto& [key, value] : dict.items().expect("copying")) {
        const auto found = model.find(key);
        assert_true(found != model.end() && found->second == value.c_str());
        ++count;
    }
    assert_int_equal(count, model.size());
}

std::string some_text(test::Random& random, unsigned most) {
    const std::uint32_t bytes = random.below(10) == 0 ? random.below(most) : random.below(60);
    return std::string(bytes, static_cast<char>('a' + random.below(26)));
}

// One thing. Whether there was no space for it.
bool act(const Numbers& dict, Model& model, test::Random& random, std::uint32_t keys, bool grows) {
    const std::uint32_t key = random.below(keys);
    const std::uint32_t what = random.below(16);
    if (what < (grows ? 10u : 4u)) {
        const std::string text = some_text(random, 8999);
        const brood::Status put = dict.set(key, Value::from(text.c_str()).expect("a text"));
        if (put.ok()) { model[key] = text; }
        if (!put.ok()) { assert_int_equal(put.code(), Errc::no_space); }
        return !put.ok();
    }
    if (what < 15) {
        const brood::Status erased = dict.erase(key);
        assert_int_equal(erased.code(), model.erase(key) == 1 ? Errc::ok : Errc::not_found);
        return false;
    }
    std::uint32_t newest = 0;
    Value value;
    const brood::Status popped = dict.popitem(newest, value);
    assert_int_equal(popped.code(), model.empty() ? Errc::not_found : Errc::ok);
    if (popped.ok()) { assert_int_equal(model.erase(newest), 1); }
    return false;
}

void play(std::uint64_t bytes, std::uint32_t keys, int rounds, std::uint64_t seed) {
    auto manager = Manager::create(bytes).expect("making the manager");
    test::Random random(seed);
    Numbers dicts[2];
    Model models[2];
    for (Numbers& dict : dicts) { dict = manager.dict<std::uint32_t, Value>().expect("making"); }
    int full = 0;
    for (int round = 0; round < rounds; ++round) {
        const std::uint32_t which = random.below(2);
        const bool grows = round / (rounds / 8) % 2 == 0;
        full += act(dicts[which], models[which], random, keys, grows) ? 1 : 0;
        if (round % (rounds / 100) == 0) { assert_in_order(dicts[0]); }
        if (random.below(static_cast<std::uint32_t>(rounds) / 4) == 0) {
            assert_ok(dicts[which].clear());
            models[which].clear();
            assert_in_order(dicts[which]);
        }
    }
    for (int i = 0; i < 2; ++i) { assert_equal(dicts[i], models[i]); }
    assert_ok(dicts[0].drop());
    assert_in_order(dicts[1]);
    print_message("%d times no space\n", full);
    assert_true((bytes > (1u << 20)) == (full == 0));
}

void a_small_arena_stays_in_order_when_it_is_full(void**) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) { play(256 * 1024, 2000, 20000, seed); }
}

void a_large_one_stays_in_order(void**) {
    play(std::uint64_t{64} << 20, 12000, 60000, 7);
}

}  // namespace

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_arena_stays_in_order_when_it_is_full),
        cmocka_unit_test(a_large_one_stays_in_order),
    };
    return cmocka_run_group_tests_name("manager_random", tests, nullptr, nullptr);
}
