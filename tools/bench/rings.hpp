// What Queue<T> and Pool are compared with: rings in shared memory that do nothing but carry
// messages, and letters. No process may die in them; who waits for a ring keeps its processor.
#ifndef BROOD_TOOLS_BENCH_RINGS_HPP
#define BROOD_TOOLS_BENCH_RINGS_HPP

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>

namespace bench {

/// Aligned to 64: a buffer that is aligned to 16 costs 40 % here, on every side.
template <std::size_t kBytes>
struct alignas(64) Message {
    unsigned long number;
    char rest[kBytes - sizeof(unsigned long)];
};

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

/// A message and a word that says whether it is there: who waits for it sleeps at once.
template <class T>
class Letter {
public:
    void put(const T& sent) {
        message_ = sent;
        is_there_.store(1, std::memory_order_release);
        syscall(SYS_futex, &is_there_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
    }
    T get() {
        while (is_there_.load(std::memory_order_acquire) == 0) {
            syscall(SYS_futex, &is_there_, FUTEX_WAIT, 0, nullptr, nullptr, 0);
        }
        is_there_.store(0, std::memory_order_relaxed);
        return message_;
    }

private:
    std::atomic<unsigned> is_there_;
    T message_;
};

/// One producer and one consumer: what two processes can do at best.
template <class T, unsigned kSlots>
class BareRing {
public:
    void put(const T& message) {
        const unsigned at = put_.load(std::memory_order_relaxed);
        while (at - seen_got_ >= kSlots) {
            seen_got_ = got_.load(std::memory_order_acquire);
            if (at - seen_got_ >= kSlots) { rest(); }
        }
        slots_[at % kSlots] = message;
        put_.store(at + 1, std::memory_order_release);
    }
    T get() {
        const unsigned at = got_.load(std::memory_order_relaxed);
        while (seen_put_ == at) {
            seen_put_ = put_.load(std::memory_order_acquire);
            if (seen_put_ == at) { rest(); }
        }
        const T message = slots_[at % kSlots];
        got_.store(at + 1, std::memory_order_release);
        return message;
    }

private:
    // A poll at each instant takes the cache line from the one who is at work on it.
    static void rest() {
        for (int i = 0; i < 16; ++i) { relax(); }
    }
    alignas(64) std::atomic<unsigned> put_;
    unsigned seen_got_;
    alignas(64) std::atomic<unsigned> got_;
    unsigned seen_put_;
    alignas(64) T slots_[kSlots];
};

/// Any number of both: a lock for each side, taken by compare-and-swap.
template <class T, unsigned kSlots>
class CasRing {
public:
    void put(const T& message) {
        for (;;) {
            put_.lock();
            const unsigned at = put_.index.load(std::memory_order_relaxed);
            const bool has_room = at - get_.index.load(std::memory_order_acquire) < kSlots;
            if (has_room) {
                slots_[at % kSlots] = message;
                put_.index.store(at + 1, std::memory_order_release);
            }
            put_.unlock();
            if (has_room) { return; }
            sched_yield();
        }
    }
    T get() {
        for (;;) {
            get_.lock();
            const unsigned at = get_.index.load(std::memory_order_relaxed);
            const bool has_one = at != put_.index.load(std::memory_order_acquire);
            T message;
            if (has_one) {
                message = slots_[at % kSlots];
                get_.index.store(at + 1, std::memory_order_release);
            }
            get_.unlock();
            if (has_one) { return message; }
            sched_yield();
        }
    }

private:
    struct Side {
        alignas(64) std::atomic<unsigned> holder;
        alignas(64) std::atomic<unsigned> index;
        void lock() {
            for (unsigned looks = 1;; ++looks) {
                unsigned free = 0;
                if (holder.load(std::memory_order_relaxed) == 0 &&
                    holder.compare_exchange_weak(free, 1, std::memory_order_acquire)) {
                    return;
                }
                relax();
                if (looks % 100 == 0) { sched_yield(); }
            }
        }
        void unlock() { holder.store(0, std::memory_order_release); }
    };
    Side put_, get_;
    alignas(64) T slots_[kSlots];
};

}  // namespace bench

#endif
