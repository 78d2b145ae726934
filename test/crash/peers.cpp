// Queues of others, to see what the harness says of them. A file of its own: Boost throws.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if __has_include(<boost/interprocess/ipc/message_queue.hpp>)
#define CRASH_HAS_BOOST
// Boost's own code, not ours.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <boost/date_time/posix_time/posix_time_types.hpp>
#include <boost/interprocess/ipc/message_queue.hpp>
#pragma GCC diagnostic pop
#endif

#include "../shared_pages.hpp"
#include "queues.hpp"

namespace crash {
namespace {

// As one writes it: a ring under a mutex, with two conditions.
class PthreadQueue : public TestQueue {
public:
    PthreadQueue() : ring_(static_cast<Ring*>(test::shared_pages(sizeof(Ring)))) {}
    const char* name() const override { return "pthread ring"; }

    void make(bool) override {
        memset(static_cast<void*>(ring_), 0, sizeof(*ring_));
        pthread_mutexattr_t of_mutex;
        pthread_mutexattr_init(&of_mutex);
        pthread_mutexattr_setpshared(&of_mutex, PTHREAD_PROCESS_SHARED);
        pthread_mutex_init(&ring_->mutex, &of_mutex);
        pthread_mutexattr_destroy(&of_mutex);
        pthread_condattr_t of_condition;
        pthread_condattr_init(&of_condition);
        pthread_condattr_setpshared(&of_condition, PTHREAD_PROCESS_SHARED);
        pthread_condattr_setclock(&of_condition, CLOCK_MONOTONIC);
        pthread_cond_init(&ring_->not_full, &of_condition);
        pthread_cond_init(&ring_->not_empty, &of_condition);
        pthread_condattr_destroy(&of_condition);
    }
    void fill(const Letter* letters, std::size_t count) override { (void)put(letters, count, 0); }

    int put(const Letter* letters, std::size_t count, std::int64_t timeout_ms) override {
        const auto room = [this] { return kMost - (ring_->put - ring_->get); };
        if (!enter(ring_->not_full, room, timeout_ms)) { return kNothing; }
        std::size_t done = 0;
        for (; done < count && room() > 0; ++done) {
            ring_->slots[ring_->put % kMost] = letters[done];
            ++ring_->put;
        }
        wake_and_unlock(ring_->not_empty);
        return static_cast<int>(done);
    }
    int get(Letter* letters, std::size_t count, std::int64_t timeout_ms) override {
        const auto left = [this] { return ring_->put - ring_->get; };
        if (!enter(ring_->not_empty, left, timeout_ms)) { return kNothing; }
        std::size_t done = 0;
        for (; done < count && left() > 0; ++done) {
            letters[done] = ring_->slots[ring_->get % kMost];
            ++ring_->get;
        }
        wake_and_unlock(ring_->not_full);
        return static_cast<int>(done);
    }

private:
    struct Ring {
        pthread_mutex_t mutex;
        pthread_cond_t not_full, not_empty;
        std::size_t put, get;
        Letter slots[kMost];
    };

    // True: inside, and something is possible.
    template <class Possible>
    bool enter(pthread_cond_t& condition, Possible&& possible, std::int64_t timeout_ms) {
        timespec until = {};
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += static_cast<long>(timeout_ms) * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&ring_->mutex);
        bool is_late = timeout_ms == 0;
        while (possible() == 0 && !is_late) {
            is_late = timeout_ms < 0
                          ? pthread_cond_wait(&condition, &ring_->mutex) != 0
                          : pthread_cond_timedwait(&condition, &ring_->mutex, &until) == ETIMEDOUT;
        }
        if (possible() > 0) { return true; }
        pthread_mutex_unlock(&ring_->mutex);
        return false;
    }
    void wake_and_unlock(pthread_cond_t& condition) {
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&ring_->mutex);
    }

    Ring* ring_;
};

#ifdef CRASH_HAS_BOOST
namespace ipc = boost::interprocess;

// One letter at a time: it knows no other way.
class BoostQueue : public TestQueue {
public:
    const char* name() const override { return "Boost message_queue"; }

    void make(bool) override {
        char name[40];
        snprintf(name, sizeof(name), "brood-crash-%d", getpid());
        queue_.reset();
        ipc::message_queue::remove(name);
        queue_ =
            std::make_unique<ipc::message_queue>(ipc::create_only, name, kMost, sizeof(Letter));
        ipc::message_queue::remove(name);  // The mapping stays, and children inherit it.
    }
    void fill(const Letter* letters, std::size_t count) override { (void)put(letters, count, 0); }

    int put(const Letter* letters, std::size_t count, std::int64_t timeout_ms) override {
        return each(count, [&](std::size_t i, bool waits) {
            if (waits && timeout_ms < 0) {
                return queue_->send(&letters[i], sizeof(Letter), 0), true;
            }
            if (waits && timeout_ms > 0) {
                return queue_->timed_send(&letters[i], sizeof(Letter), 0, until(timeout_ms));
            }
            return queue_->try_send(&letters[i], sizeof(Letter), 0);
        });
    }
    int get(Letter* letters, std::size_t count, std::int64_t timeout_ms) override {
        ipc::message_queue::size_type bytes = 0;
        unsigned priority = 0;
        return each(count, [&](std::size_t i, bool waits) {
            if (waits && timeout_ms < 0) {
                return queue_->receive(&letters[i], sizeof(Letter), bytes, priority), true;
            }
            if (waits && timeout_ms > 0) {
                return queue_->timed_receive(&letters[i], sizeof(Letter), bytes, priority,
                                             until(timeout_ms));
            }
            return queue_->try_receive(&letters[i], sizeof(Letter), bytes, priority);
        });
    }

private:
    static boost::posix_time::ptime until(std::int64_t timeout_ms) {
        return boost::posix_time::microsec_clock::universal_time() +
               boost::posix_time::milliseconds(timeout_ms);
    }
    // It waits for the first only.
    template <class Move>
    static int each(std::size_t count, Move&& move) {
        int done = 0;
        try {
            for (std::size_t i = 0; i < count && move(i, i == 0); ++i) { ++done; }
        } catch (const ipc::interprocess_exception&) { return done > 0 ? done : kRefused; }
        return done;
    }

    std::unique_ptr<ipc::message_queue> queue_;
};
#endif

}  // namespace

std::vector<std::unique_ptr<TestQueue>> make_peer_queues() {
    std::vector<std::unique_ptr<TestQueue>> queues;
#ifdef CRASH_HAS_BOOST
    queues.push_back(std::make_unique<BoostQueue>());
#else
    puts("not played: Boost message_queue: no Boost when this was built");
#endif
    queues.push_back(std::make_unique<PthreadQueue>());
    return queues;
}

}  // namespace crash
