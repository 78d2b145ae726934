#include "mutexes.hpp"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <brood/lock.hpp>
#include <brood/rlock.hpp>

#include <src/lock_access.hpp>

#include "../shared_pages.hpp"
#include "object.hpp"

namespace crash {
namespace {

brood::Timeout timeout_of(std::int64_t ms) {
    return ms < 0 ? brood::Timeout::forever() : brood::milliseconds(ms);
}

Got got_of(const brood::Status& status) {
    switch (status.code()) {
        case brood::Errc::ok: return Got::held;
        case brood::Errc::owner_died: return Got::held_after_death;
        case brood::Errc::timed_out: return Got::timed_out;
        default: return Got::refused;
    }
}

class BroodMutex : public Mutex {
public:
    const char* name() const override { return "Lock"; }
    bool is_ours() const override { return true; }
    void make() override {
        memset(memory(), 0, kBytes);
        auto& state = *static_cast<brood::port::RobustMutex*>(memory());
        brood::port::mutex_init(state).expect("making a mutex");
        lock_ = brood::LockAccess::view(state);
    }
    Got take(std::int64_t timeout_ms) override {
        return got_of(lock_.take(timeout_of(timeout_ms)));
    }
    bool release() override { return lock_.release().ok(); }
    void destroy() override { lock_ = brood::Lock(); }

private:
    brood::Lock lock_;
};

using SharedRLock = Object<brood::RLock>;

class BroodRLock : public Mutex {
public:
    explicit BroodRLock(SharedRLock& lock)
        : Mutex(const_cast<void*>(lock.extent().at)), lock_(lock) {}
    const char* name() const override { return "RLock"; }
    bool is_whole() const override { return false; }
    bool is_ours() const override { return true; }
    void make() override { lock_.renew(); }
    Got take(std::int64_t timeout_ms) override {
        const Got got = got_of(lock_->take(timeout_of(timeout_ms)));
        const bool is_held = got == Got::held || got == Got::held_after_death;
        return !is_held || lock_->take().ok() ? got : Got::refused;
    }
    bool release() override {
        const bool once = lock_->release().ok();
        return lock_->release().ok() && once;
    }

private:
    SharedRLock& lock_;
};

class PthreadMutex : public Mutex {
public:
    explicit PthreadMutex(bool robust) : robust_(robust) {}
    const char* name() const override {
        return robust_ ? "robust pthread_mutex_t" : "pthread_mutex_t";
    }
    bool is_robust() const override { return robust_; }
    void make() override {
        static_assert(sizeof(pthread_mutex_t) <= kBytes);
        memset(memory(), 0, kBytes);
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
        if (robust_) { pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST); }
        pthread_mutex_init(mutex(), &attributes);
        pthread_mutexattr_destroy(&attributes);
    }
    Got take(std::int64_t timeout_ms) override {
        int err = 0;
        if (timeout_ms == 0) {
            err = pthread_mutex_trylock(mutex());
        } else if (timeout_ms < 0) {
            err = pthread_mutex_lock(mutex());
        } else {
            timespec until = {};
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_nsec += static_cast<long>(timeout_ms) * 1000000;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            err = pthread_mutex_timedlock(mutex(), &until);
        }
        if (err == EOWNERDEAD) { pthread_mutex_consistent(mutex()); }
        switch (err) {
            case 0: return Got::held;
            case EOWNERDEAD: return Got::held_after_death;
            case EBUSY:
            case ETIMEDOUT: return Got::timed_out;
            default: return Got::refused;
        }
    }
    bool release() override { return pthread_mutex_unlock(mutex()) == 0; }

private:
    pthread_mutex_t* mutex() const { return static_cast<pthread_mutex_t*>(memory()); }
    bool robust_;
};

}  // namespace

Mutex::Mutex() : memory_(test::shared_pages(kBytes)) {}

// Both libc and brood have the word in front, as the kernel wants it.
std::uint32_t Mutex::word() const {
    return static_cast<const std::atomic<std::uint32_t>*>(memory_)->load();
}

std::unique_ptr<Mutex> make_brood_mutex() {
    return std::make_unique<BroodMutex>();
}

std::unique_ptr<Mutex> make_brood_rlock() {
    // The mutex comes first. The depth behind it is set by whoever takes it.
    static SharedRLock lock(brood::RLock::create().expect("an RLock"), Mutex::kBytes);
    return std::make_unique<BroodRLock>(lock);
}

std::unique_ptr<Mutex> make_pthread_mutex(bool robust) {
    return std::make_unique<PthreadMutex>(robust);
}

}  // namespace crash
