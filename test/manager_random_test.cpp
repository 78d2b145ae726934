// Goal: whatever is done with dictionaries, lists, namespaces and handles, in whatever order, also
// where there is no space: they hold what a std::map or a std::vector would, a handle names its
// object or nothing, and the arena is in order.
// Method: what is done is drawn by chance, in arenas small and large; arena_check.hpp looks at all.
#include "process_support.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <brood/handle.hpp>
#include <brood/list.hpp>
#include <brood/manager.hpp>
#include <brood/name_space.hpp>
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

void assert_in_order(const brood::detail::ManagedHandle& handle) {
    const char* const fault = test::arena_fault(handle);
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

// ---- Lists -------------------------------------------------------------------------------------

using Words = brood::List<Value>;
using Elements = std::vector<std::string>;

Value value_of(const std::string& text) {
    return Value::from(text.c_str()).expect("a text");
}

// True: there was no space for it, and nothing has changed.
bool is_full(const brood::Status& status) {
    const bool is_full = status.code() == Errc::no_space || status.code() == Errc::full;
    if (!status.ok() && !is_full) { fail_msg("%s", status.error().name()); }
    return is_full;
}

bool extend(const Words& list, Elements& model, test::Random& random) {
    const std::uint32_t count = random.below(5) == 0 ? 17 + random.below(150) : random.below(6);
    Elements more;
    std::vector<Value> values;
    for (std::uint32_t i = 0; i < count; ++i) {
        more.push_back(some_text(random, count > 6 ? 60 : 4000));
        values.push_back(value_of(more.back()));
    }
    if (is_full(list.extend(values.data(), count))) { return true; }
    model.insert(model.end(), more.begin(), more.end());
    return false;
}

bool insert(const Words& list, Elements& model, test::Random& random) {
    const auto size = static_cast<std::uint32_t>(model.size());
    const std::uint32_t at = random.below(3) == 0 ? 0 : random.below(size + 1);
    const std::string text = some_text(random, 8999);
    const bool at_end = random.below(3) == 0;
    const brood::Status put = at_end ? list.append(value_of(text))
                                     : list.insert(at, value_of(text));
    if (is_full(put)) { return true; }
    model.insert(at_end ? model.end() : model.begin() + at, text);
    return false;
}

bool set(const Words& list, Elements& model, test::Random& random) {
    const auto size = static_cast<std::uint32_t>(model.size());
    const std::uint32_t at = random.below(size + 1);
    const std::string text = some_text(random, 8999);
    const brood::Status put = list.set(at, value_of(text));
    if (at == size) { assert_int_equal(put.code(), Errc::out_of_range); }
    if (at == size || is_full(put)) { return at != size; }
    model[at] = text;
    return false;
}

bool take(const Words& list, Elements& model, test::Random& random) {
    const auto size = static_cast<std::uint32_t>(model.size());
    if (random.below(4) != 0) {
        const bool is_last = random.below(2) == 0;
        const auto at = is_last ? -1 : static_cast<std::ptrdiff_t>(random.below(size + 1));
        const auto popped = list.pop(at);
        const std::size_t index = at < 0 ? size - 1 : static_cast<std::size_t>(at);
        if (index >= size) { assert_int_equal(popped.code(), Errc::out_of_range); }
        if (index >= size || is_full(popped.status())) { return index < size; }
        assert_string_equal(popped->c_str(), model[index].c_str());
        model.erase(model.begin() + static_cast<std::ptrdiff_t>(index));
        return false;
    }
    const std::uint32_t from = random.below(size + 1);
    const std::uint32_t to = std::min(size, from + random.below(40));
    if (is_full(list.erase(from, to))) { return true; }
    model.erase(model.begin() + from, model.begin() + to);
    return false;
}

bool arrange(const Words& list, Elements& model, test::Random& random) {
    if (random.below(2) == 0) {
        if (is_full(list.reverse())) { return true; }
        std::reverse(model.begin(), model.end());
    } else {
        if (is_full(list.sort())) { return true; }
        std::sort(model.begin(), model.end());
    }
    return false;
}

bool act(const Words& list, Elements& model, test::Random& random, bool grows) {
    const std::uint32_t what = random.below(64);
    if (what == 63) { return arrange(list, model, random); }
    if (what >= 50) { return set(list, model, random); }
    if (what >= (grows ? 38u : 20u)) { return take(list, model, random); }
    return what < 3 ? extend(list, model, random) : insert(list, model, random);
}

void assert_equal(const Words& list, const Elements& model) {
    const auto items = list.items().expect("copying");
    assert_int_equal(items.size(), model.size());
    std::size_t at = 0;
    for (const Value& value : items) { assert_string_equal(value.c_str(), model[at++].c_str()); }
}

void play_lists(std::uint64_t bytes, int rounds, std::uint64_t seed) {
    auto manager = Manager::create(bytes).expect("making the manager");
    test::Random random(seed);
    Words lists[2];
    Elements models[2];
    for (Words& list : lists) { list = manager.list<Value>().expect("making"); }
    int full = 0;
    for (int round = 0; round < rounds; ++round) {
        const std::uint32_t which = random.below(2);
        const bool grows = round / (rounds / 8) % 2 == 0;
        full += act(lists[which], models[which], random, grows) ? 1 : 0;
        if (round % (rounds / 100) == 0) {
            assert_in_order(lists[which]);
            assert_equal(lists[which], models[which]);
        }
        if (random.below(static_cast<std::uint32_t>(rounds) / 4) == 0 &&
            !is_full(lists[which].clear())) {
            models[which].clear();
            assert_in_order(lists[which]);
        }
    }
    for (int i = 0; i < 2; ++i) { assert_equal(lists[i], models[i]); }
    assert_ok(lists[0].drop());
    assert_in_order(lists[1]);
    print_message("%d times no space\n", full);
    assert_true((bytes > (1u << 20)) == (full == 0));
}

void lists_stay_in_order_when_the_arena_is_full(void**) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) { play_lists(256 * 1024, 8000, seed); }
}

void lists_stay_in_order_in_a_large_one(void**) {
    play_lists(std::uint64_t{64} << 20, 20000, 5);
}

// ---- Namespaces --------------------------------------------------------------------------------

void a_namespace_stays_in_order(void**) {
    auto manager = Manager::create(256 * 1024).expect("making the manager");
    const auto space = manager.name_space().expect("making");
    const auto objects = manager.stats()->objects;
    test::Random random(3);
    std::map<std::string, std::string> model;  // A number is one as text, too.
    for (int round = 0; round < 20000; ++round) {
        const std::uint32_t what = random.below(8), number = random.next();
        const std::string name = "name " + std::to_string(random.below(300));
        if (what < 2) {
            if (!is_full(space.set(name.c_str(), number))) { model[name] = std::to_string(number); }
        } else if (what < 5) {
            const std::string text = "t" + some_text(random, 3000);
            if (!is_full(space.set(name.c_str(), value_of(text)))) { model[name] = text; }
        } else if (what < 6) {
            const auto found = space.get<std::uint32_t>(name.c_str());
            const auto known = model.find(name);
            const bool is_there = known != model.end(),
                       is_text = is_there && known->second[0] == 't';
            assert_int_equal(found.code(), is_text    ? Errc::type_mismatch
                                           : is_there ? Errc::ok
                                                      : Errc::not_found);
            if (found.ok()) { assert_true(std::to_string(*found) == known->second); }
        } else {
            assert_int_equal(space.erase(name.c_str()).code(),
                             model.erase(name) == 1 ? Errc::ok : Errc::not_found);
        }
        if (round % 200 == 0) { assert_in_order(space); }
    }
    assert_int_equal(*space.size(), model.size());
    assert_int_equal(manager.stats()->objects, objects);
    assert_ok(space.drop());
    assert_in_order(space);
}

// ---- Handles -----------------------------------------------------------------------------------

using Lines = brood::Queue<Text<40>>;
using Locks = brood::List<brood::Handle<brood::Lock>>;

// An object that lies in a block of its own; `is_used` tries it.
struct Made {
    brood::detail::ManagedHandle handle;
    bool (*is_used)(const brood::detail::ManagedHandle& handle);
};

template <class Object, class Use>
bool uses(const brood::detail::ManagedHandle& handle, Use use) {
    auto object = brood::Handle<Object>(handle).open();
    if (!object.ok()) { assert_int_equal(object.code(), Errc::closed); }
    return object.ok() && use(*object);
}
bool uses_lock(const brood::detail::ManagedHandle& handle) {
    return uses<brood::Lock>(handle, [](brood::Lock& lock) {
        return lock.take(brood::Timeout::no_wait()).ok() && lock.release().ok();
    });
}
bool uses_semaphore(const brood::detail::ManagedHandle& handle) {
    return uses<brood::Semaphore>(handle, [](brood::Semaphore& semaphore) {
        return semaphore.try_take().ok() && semaphore.release().ok();
    });
}
bool uses_value(const brood::detail::ManagedHandle& handle) {
    return uses<brood::Value<int>>(handle,
                                   [](brood::Value<int>& value) { return value.load() == 7; });
}
bool uses_queue(const brood::detail::ManagedHandle& handle) {
    return uses<Lines>(handle, [](Lines& queue) {
        for (int i = 0; i < 3; ++i) {
            if (!queue.put("a line", brood::Timeout::no_wait()).ok()) { return false; }
        }
        for (int i = 0; i < 3; ++i) {
            if (!queue.get(brood::Timeout::no_wait()).ok()) { return false; }
        }
        return true;
    });
}

// `manager` may be full: then none is made.
void make_one(const Manager& manager, std::vector<Made>& all, test::Random& random) {
    const auto keep = [&](const auto& made, bool (*is_used)(const brood::detail::ManagedHandle&)) {
        if (!is_full(made.status())) { all.push_back({*made, is_used}); }
    };
    switch (random.below(6)) {
        case 0: return keep(manager.lock(), &uses_lock);
        case 1: return keep(manager.semaphore(1 + random.below(3)), &uses_semaphore);
        case 2: return keep(manager.value<int>(7), &uses_value);
        case 3: return keep(manager.queue<Text<40>>(3 + random.below(2)), &uses_queue);
        case 4: return keep(manager.queue<Text<40>>(), &uses_queue);
        default: return keep(manager.lock(), &uses_lock);
    }
}

void play_handles(std::uint64_t bytes, int rounds, std::uint64_t seed) {
    const auto manager = Manager::create(bytes).expect("making the manager");
    const auto kept = manager.list<brood::Handle<brood::Lock>>().expect("making");
    test::Random random(seed);
    std::vector<Made> all;
    std::vector<brood::detail::ManagedHandle> gone;
    std::size_t most = 0;
    for (int round = 0; round < rounds; ++round) {
        const bool grows = round / (rounds / 8) % 2 == 0;
        const auto which = all.empty() ? 0 : random.below(static_cast<std::uint32_t>(all.size()));
        if (all.empty() || random.below(8) < (grows ? 4u : 2u)) {
            make_one(manager, all, random);
        } else if (random.below(2) == 0) {
            assert_ok(all[which].handle.drop());
            assert_false(all[which].is_used(all[which].handle));
            gone.push_back(all[which].handle);
            all.erase(all.begin() + which);
        } else {
            assert_true(all[which].is_used(all[which].handle));
            if (all[which].is_used == &uses_lock) {
                is_full(kept.append(brood::Handle<brood::Lock>(all[which].handle)));
            }
        }
        most = std::max(most, all.size());
        if (!gone.empty()) {
            const std::size_t one = static_cast<std::size_t>(round) % gone.size();
            assert_int_equal(gone[one].drop().code(), Errc::closed);
        }
        if (round % (rounds / 100) == 0) { assert_in_order(kept); }
    }
    assert_int_equal(manager.stats()->objects, all.size() + 1);
    print_message("at most %zu objects\n", most);
}

void handles_name_their_object_or_nothing(void**) {
    play_handles(256 * 1024, 3000, 1);
    play_handles(std::uint64_t{64} << 20, 20000, 2);
}

}  // namespace

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_arena_stays_in_order_when_it_is_full),
        cmocka_unit_test(a_large_one_stays_in_order),
        cmocka_unit_test(lists_stay_in_order_when_the_arena_is_full),
        cmocka_unit_test(lists_stay_in_order_in_a_large_one),
        cmocka_unit_test(a_namespace_stays_in_order),
        cmocka_unit_test(handles_name_their_object_or_nothing),
    };
    return cmocka_run_group_tests_name("manager_random", tests, nullptr, nullptr);
}
