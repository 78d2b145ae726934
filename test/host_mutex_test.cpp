// Goal: the mutex of a pool's host excludes, whoever has the bias, whenever it ends, and where the
// system has no fences for it.
// Method: threads count in plain words inside, so that two who are in at once lose a count or see
// that the words differ. The bias is ended again and again while its owner goes in and out.
#include "support.hpp"

#include <pthread.h>

#include <port/port.hpp>
#include <src/host_mutex.hpp>

using brood::detail::HostMutex;
using brood::detail::HostMutexHold;

namespace {

struct Room {
    HostMutex mutex{};  // zeroed
    // What is guarded. Volatile: each count is a load and a store of its own.
    volatile unsigned first = 0, second = 0;
    std::atomic<unsigned> faults{0}, visits{0}, is_over{0};

    void visit() {
        const HostMutexHold hold(mutex);
        if (first != second) { faults.fetch_add(1); }
        first = first + 1;
        for (int i = 0; i < 3; ++i) { brood::port::cpu_relax(); }
        second = second + 1;
    }
    void visit_until_over() {
        while (is_over == 0) {
            visit();
            visits.fetch_add(1, std::memory_order_relaxed);
        }
    }
};

void* visit_until_over(void* room) {
    static_cast<Room*>(room)->visit_until_over();
    return nullptr;
}

/// In a thread of its own, which the mutex favours if it can.
struct Favourite {
    Room& room;
    std::uint32_t has_fences;
    std::atomic<unsigned> is_there{0};
    pthread_t thread{};

    void start() {
        const auto run = [](void* favourite) -> void* {
            Favourite& me = *static_cast<Favourite*>(favourite);
            me.room.mutex.favour_caller(me.has_fences);
            me.is_there = 1;
            me.room.visit_until_over();
            return nullptr;
        };
        assert_int_equal(pthread_create(&thread, nullptr, run, this), 0);
        assert_true(test::eventually([this] { return is_there == 1 && room.visits > 0; }));
    }
};

void check_rooms(std::uint32_t has_fences, int rounds) {
    unsigned visits = 0;
    for (int round = 0; round < rounds; ++round) {
        Room room;
        Favourite favourite{room, has_fences};
        favourite.start();
        pthread_t others[2];
        for (pthread_t& other : others) {
            assert_int_equal(pthread_create(&other, nullptr, &visit_until_over, &room), 0);
        }
        const unsigned seen = room.visits;
        assert_true(test::eventually([&] { return room.visits > seen + 100; }));
        room.is_over = 1;
        assert_int_equal(pthread_join(favourite.thread, nullptr), 0);
        for (const pthread_t other : others) { assert_int_equal(pthread_join(other, nullptr), 0); }
        assert_int_equal(room.faults, 0);
        assert_int_equal(room.first, room.visits);
        assert_int_equal(room.second, room.visits);
        room.mutex.wait_until_left();
        visits += room.visits;
    }
    print_message("%u visits in %d rooms\n", visits, rounds);
}

void others_end_the_bias_while_its_owner_is_at_work(void**) {
    const std::uint32_t has_fences = brood::detail::join_fences();
    if (has_fences == 0) { return test::not_run("a biased mutex", "no fences in other threads"); }
    check_rooms(has_fences, 300);
}

void without_fences_it_is_a_mutex_without_bias(void**) {
    check_rooms(0, 30);
}

void one_thread_alone_goes_in_and_out(void**) {
    Room room;
    room.mutex.favour_caller(brood::detail::join_fences());
    for (unsigned i = 1; i <= 1000; ++i) {
        room.visit();
        assert_int_equal(room.second, i);
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(others_end_the_bias_while_its_owner_is_at_work),
        cmocka_unit_test(without_fences_it_is_a_mutex_without_bias),
        cmocka_unit_test(one_thread_alone_goes_in_and_out),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
