// Goal: Value<T> is what multiprocessing.Value is: one value that all processes see, with a lock.
// Each test is named after a row of the notes (api.md, "Shared state and locks").
#include "shared_support.hpp"

#include <brood/text.hpp>
#include <brood/value.hpp>

using namespace shared_test;
using brood::Errc;
using brood::Locked;
using brood::Result;
using brood::Value;

namespace {

struct Account {
    int64_t balance;
    double rate;
    brood::Text<16> owner;
};

void value_of_a_type_and_an_initial_value(void**) {
    const Value<int> whole = Value<int>::create(100).expect("int");
    const Value<double> real = Value<double>::create(3.5).expect("double");
    const Value<char> letter = Value<char>::create('k').expect("char");
    const Value<uint64_t> zero = Value<uint64_t>::create().expect("default");
    assert_int_equal(whole.value(), 100);
    assert_true(real.value() > 3.4 && real.value() < 3.6);
    assert_int_equal(letter.value(), 'k');
    assert_int_equal(zero.value(), 0);
    assert_string_equal(whole.name(), "");
}

void money_of_the_parent_is_changed_by_the_child(void**) {
    int own_money = 100;
    Value<int> money = Value<int>::create(100).expect("money");
    const pid_t child = start_child([&] {
        own_money = 666;
        money.value() = 666;
    });
    assert_int_equal(end_of(child), 0);
    assert_int_equal(own_money, 100);      // Memory is not shared,
    assert_int_equal(money.value(), 666);  // a Value is.
}

void a_struct_is_a_value(void**) {
    Value<Account> account = Value<Account>::create({100, 0.5, "ada"}).expect("account");
    const pid_t child = start_child([&] {
        CHECK_IN_CHILD(account.value().owner == "ada");
        account->balance += 50;
        account.with_lock([](Account& a) { a = {a.balance * 2, 0.25, "grace"}; }).ignore();
    });
    assert_int_equal(end_of(child), 0);
    const Value<Account>& seen = account;
    assert_int_equal(seen->balance, 300);
    assert_int_equal(account.value().balance, 300);
    assert_string_equal(account.value().owner.c_str(), "grace");
}

void get_lock_is_the_lock_beside_the_value(void**) {
    Value<int> value = Value<int>::create(0).expect("value");
    const Locked hold = value.lock().acquire();
    assert_true(hold.status().ok());
    const pid_t child = start_child([&] {
        const Locked other = value.lock().acquire(brood::milliseconds(20));
        CHECK_IN_CHILD(other.timed_out());
        CHECK_IN_CHILD(value.with_lock([](int&) { _exit(98); }, brood::Timeout::no_wait()).code() ==
                       Errc::timed_out);
    });
    assert_int_equal(end_of(child), 0);
    // Without the lock (RawValue) nothing holds anybody up.
    value.value() = 7;
    assert_int_equal(value.load(), 7);
}

void tickets_counted_under_the_lock_by_eight_processes_are_all_there(void**) {
    constexpr int kProcesses = 8, kEach = 2000;
    Value<int> tickets = Value<int>::create(kProcesses * kEach).expect("tickets");
    pid_t children[kProcesses];
    for (pid_t& child : children) {
        child = start_child([&] {
            for (int i = 0; i < kEach; ++i) {
                CHECK_IN_CHILD(tickets
                                   .with_lock([](int& left) {
                                       const int seen = left;
                                       if (seen % 64 == 0) {
                                           sleep_us(1);
                                       }  // Time for others to get in between.
                                       left = seen - 1;
                                   })
                                   .ok());
            }
        });
    }
    for (const pid_t child : children) { assert_int_equal(end_of(child), 0); }
    assert_int_equal(tickets.value(), 0);
}

void fetch_add_by_eight_processes_loses_nothing(void**) {
    constexpr int kProcesses = 8, kEach = 20000;
    Value<unsigned> count = Value<unsigned>::create(0).expect("count");
    pid_t children[kProcesses];
    for (pid_t& child : children) {
        child = start_child([&] {
            for (int i = 0; i < kEach; ++i) { (void)count.fetch_add(1); }
        });
    }
    for (const pid_t child : children) { assert_int_equal(end_of(child), 0); }
    assert_int_equal(count.load(), kProcesses * kEach);
    assert_int_equal(count.fetch_add(5), kProcesses * kEach);
    count.store(3);
    assert_int_equal(count.load(), 3);
}

void killed_inside_with_lock_shows_as_owner_died_in_the_next(void**) {
    Value<int> value = Value<int>::create(1).expect("value");
    const pid_t child = start_child([&] {
        value
            .with_lock([](int& v) {
                v = 666;
                (void)raise(SIGKILL);
            })
            .ignore();
    });
    assert_int_equal(end_of(child), -SIGKILL);
    int calls = 0;
    const brood::Status next = value.with_lock([&](int& v) {
        ++calls;
        v = 2;
    });
    assert_error(next.code(), Errc::owner_died, "the next");
    assert_int_equal(calls, 1);
    assert_true(value.with_lock([](int& v) { ++v; }).ok());
    assert_int_equal(value.value(), 3);
}

void a_named_value_is_opened_by_whoever_knows_its_name(void**) {
    const Name name("value");
    Value<Account> made = Value<Account>::create_named(name, {42, 1.0, "ada"}).expect("creating");
    assert_string_equal(made.name(), name);
    const pid_t child = start_child([&] {
        Value<Account> opened = Value<Account>::open(name).expect("opening");
        CHECK_IN_CHILD(opened.value().balance == 42);
        CHECK_IN_CHILD(opened.with_lock([](Account& a) { a.balance = 43; }).ok());
    });
    assert_int_equal(end_of(child), 0);
    assert_int_equal(made.value().balance, 43);
    assert_error(Value<Account>::create_named(name).code(), Errc::already_exists, "again");
    assert_error(Value<char>::open(name).code(), Errc::type_mismatch, "other size");
    assert_error(Value<int>::open(Name("nobody")).code(), Errc::not_found, "no such");
    assert_error(Value<int>::open("x").code(), Errc::name_without_slash, "bad name");
    assert_error(Value<int>::open(name, brood::seconds(-1)).code(), Errc::timeout_negative, "-1");
}

// A reader that spins on the name must never see the zero before the initial value.
void nobody_sees_a_named_value_before_its_initial_value(void**) {
    const Name name("initial");
    Board<std::atomic<int>> rounds;
    const pid_t reader = start_child([&] {
        while (rounds->load() >= 0) {
            const Result<Value<int>> seen = Value<int>::open(name, brood::Timeout::no_wait());
            if (seen.ok()) { CHECK_IN_CHILD(seen->value() == 4711); }
        }
    });
    for (int i = 0; i < 2000; ++i) {
        Result<Value<int>> made = Value<int>::create_named(name, 4711);
        assert_ok(made.error());
    }
    rounds->store(-1);
    assert_int_equal(end_of(reader), 0);
}

void a_value_that_moves_takes_its_lock_along(void**) {
    Value<int> first = Value<int>::create(1).expect("first");
    Value<int> second = Value<int>::create(2).expect("second");
    second = std::move(first);
    assert_int_equal(second.value(), 1);
    assert_true(second.with_lock([](int& v) { v = 5; }).ok());
    assert_error(first.lock().take().code(), Errc::closed, "moved from");
    assert_error(Value<int>().lock().take().code(), Errc::closed, "never made");
    Value<int>* const same = &second;
    second = std::move(*same);
    assert_int_equal(second.value(), 5);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(value_of_a_type_and_an_initial_value),
        TIDY(money_of_the_parent_is_changed_by_the_child),
        TIDY(a_struct_is_a_value),
        TIDY(get_lock_is_the_lock_beside_the_value),
        TIDY(tickets_counted_under_the_lock_by_eight_processes_are_all_there),
        TIDY(fetch_add_by_eight_processes_loses_nothing),
        TIDY(killed_inside_with_lock_shows_as_owner_died_in_the_next),
        TIDY(a_named_value_is_opened_by_whoever_knows_its_name),
        TIDY(nobody_sees_a_named_value_before_its_initial_value),
        TIDY(a_value_that_moves_takes_its_lock_along),
    };
    return cmocka_run_group_tests_name("value", tests, nullptr, nullptr);
}
