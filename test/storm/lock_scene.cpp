#include "lock_scene.hpp"

#include <stdio.h>

#include <brood/lock.hpp>
#include <brood/semaphore.hpp>

#include "../shared_pages.hpp"

namespace storm {
namespace {

using brood::Errc;
using brood::Lock;
using brood::Semaphore;
using brood::Status;
using brood::Timeout;

constexpr std::uint32_t kLocks = 3, kSemaphores = 2;
constexpr std::uint32_t kPermits[kSemaphores] = {1, 3};

// Where somebody is with a lock. Whoever is killed `inside` is heard of; `near`, he may be.
enum Phase : std::uint32_t { kAway, kNear, kInside };

// What a lock guards, and what its holders write down of that.
struct alignas(64) Guarded {
    std::atomic<std::uint32_t> holder;         // seat + 1
    std::atomic<std::uint32_t> first, second;  // equal, but in the middle
    std::atomic<std::uint32_t> heard;          // how often owner_died was
};
struct alignas(64) Diary {
    std::atomic<std::uint32_t> phase[kLocks];
    std::atomic<std::uint32_t> has_permit[kSemaphores];
    std::atomic<std::uint32_t> sections;
    std::atomic<std::uint32_t> shared, silent, torn, crowded;  // faults it saw
};
struct Book {
    Guarded guarded[kLocks];
    Diary diary[kSeats];
};

Timeout some_timeout(Chance& chance) {
    switch (chance.below(6)) {
        case 0: return Timeout::no_wait();
        case 1: return brood::microseconds(chance.below(2000));
        default: return Timeout::forever();
    }
}

int complain(const char* what, const Status& status) {
    fprintf(stderr, "  locks: %s: %s (errno %d)\n", what, status.error().name(),
            static_cast<int>(status.error().os_error()));
    return 1;
}

class LockScene : public Scene {
public:
    LockScene() : book_(*static_cast<Book*>(test::shared_pages(sizeof(Book)))) {}

    const char* name() const override { return "locks"; }
    void set(Sky& sky, Chance& chance) override;
    unsigned seats() const override { return seats_; }
    unsigned role_of(unsigned) const override { return 1; }
    int act(unsigned seat, Here& here) override;
    void reckon(unsigned seat) override;
    unsigned next_hush(Chance&) override { return 1; }
    bool is_quiet(unsigned) override { return true; }
    void account(Faults& faults) override;
    void print(double seconds) const override {
        printf(
            "%.2f million sections (%.0f a second); %ld deaths in one, heard of %ld times, %ld"
            " deaths at the door",
            static_cast<double>(sections_) / 1e6, static_cast<double>(sections_) / seconds, inside_,
            heard_, near_);
    }

private:
    int enter_lock(unsigned seat, std::uint32_t which, Here& here);
    void be_inside(unsigned seat, std::uint32_t which, bool owner_died, Here& here);
    int enter_semaphore(unsigned seat, std::uint32_t which, Here& here);
    void hear_the_last(std::uint32_t which, Faults& faults);
    void count_permits(std::uint32_t which, Faults& faults);

    Book& book_;
    Sky* sky_ = nullptr;
    unsigned seats_ = kSeats;
    Lock lock_[kLocks];
    Semaphore semaphore_[kSemaphores];
    std::uint32_t died_inside_[kLocks] = {}, died_near_[kLocks] = {};  // of this round
    long sections_ = 0, inside_ = 0, near_ = 0, heard_ = 0;
};

void LockScene::set(Sky& sky, Chance& chance) {
    sky_ = &sky;
    seats_ = chance.once_in(4) ? 3 : kSeats;
    new (&book_) Book();
    for (std::uint32_t i = 0; i < kLocks; ++i) {
        lock_[i] = Lock::create().expect("making a lock");
        died_inside_[i] = died_near_[i] = 0;
    }
    for (std::uint32_t i = 0; i < kSemaphores; ++i) {
        semaphore_[i] = Semaphore::create(kPermits[i]).expect("making a semaphore");
    }
}

int LockScene::act(unsigned seat, Here& here) {
    for (std::atomic<std::uint32_t>& one : book_.diary[seat].has_permit) { one.store(0); }
    while (here.goes_on()) {
        if (here.chance().once_in(5000)) { return 0; }
        const std::uint32_t which = here.chance().below(kLocks + kSemaphores);
        const int failed = which < kLocks ? enter_lock(seat, which, here)
                                          : enter_semaphore(seat, which - kLocks, here);
        if (failed != 0) { return failed; }
        if (here.chance().once_in(100)) { sleep_us(here.chance().below(200)); }
    }
    return 0;
}

void LockScene::be_inside(unsigned seat, std::uint32_t which, bool owner_died, Here& here) {
    Guarded& guarded = book_.guarded[which];
    Diary& diary = book_.diary[seat];
    const std::uint32_t before = guarded.holder.exchange(seat + 1);
    diary.phase[which].store(kInside);
    if (owner_died) {
        guarded.heard.fetch_add(1);
        guarded.second.store(guarded.first.load());
    } else {
        if (before != 0) {
            (sky_->seat[before - 1].doomed.load() != 0 ? diary.silent : diary.shared).fetch_add(1);
        }
        if (guarded.first.load() != guarded.second.load()) { diary.torn.fetch_add(1); }
    }
    const std::uint32_t value = guarded.first.load(std::memory_order_relaxed) + 1;
    guarded.first.store(value, std::memory_order_relaxed);
    if (here.chance().once_in(50)) { sleep_us(here.chance().below(100)); }
    if (here.chance().once_in(4)) { here.spin(2); }
    guarded.second.store(value, std::memory_order_relaxed);
    if (guarded.holder.load() != seat + 1) { diary.shared.fetch_add(1); }
}

int LockScene::enter_lock(unsigned seat, std::uint32_t which, Here& here) {
    Guarded& guarded = book_.guarded[which];
    Diary& diary = book_.diary[seat];
    diary.phase[which].store(kNear);
    const Timeout timeout = some_timeout(here.chance());
    const Status taken = lock_[which].take(timeout);
    const bool owner_died = taken.code() == Errc::owner_died;
    if (!taken.ok() && !owner_died) {
        diary.phase[which].store(kAway);
        const bool is_vain = taken.code() == Errc::timed_out && !timeout.is_forever();
        return is_vain ? 0 : complain("taking a lock", taken);
    }
    be_inside(seat, which, owner_died, here);
    int failed = 0;
    if (which + 1 < kLocks && here.chance().once_in(5)) {
        failed = enter_lock(seat, which + 1, here);  // Two at a time, always in this order.
    }
    diary.phase[which].store(kNear);
    guarded.holder.store(0);
    const Status released = lock_[which].release();
    diary.phase[which].store(kAway);
    diary.sections.fetch_add(1);
    return released.ok() ? failed : complain("releasing a lock", released);
}

// Whoever is doomed may have lost his permit already: he is not counted.
int LockScene::enter_semaphore(unsigned seat, std::uint32_t which, Here& here) {
    Diary& diary = book_.diary[seat];
    const Timeout timeout = some_timeout(here.chance());
    const Status taken = semaphore_[which].take(timeout);
    if (!taken.ok()) {
        const bool is_vain = taken.code() == Errc::timed_out && !timeout.is_forever();
        return is_vain ? 0 : complain("taking a permit", taken);
    }
    diary.has_permit[which].store(1);
    std::uint32_t holders = 0;
    for (unsigned other = 0; other < seats_; ++other) {
        const bool has = book_.diary[other].has_permit[which].load() != 0;
        holders += has && sky_->seat[other].doomed.load() == 0 ? 1 : 0;
    }
    if (holders > kPermits[which]) { diary.crowded.fetch_add(1); }
    if (here.chance().once_in(50)) { sleep_us(here.chance().below(100)); }
    if (here.chance().once_in(4)) { here.spin(2); }
    diary.has_permit[which].store(0);
    const Status released = semaphore_[which].release();
    diary.sections.fetch_add(1);
    return released.ok() ? 0 : complain("releasing a permit", released);
}

void LockScene::reckon(unsigned seat) {
    Diary& diary = book_.diary[seat];
    for (std::uint32_t i = 0; i < kLocks; ++i) {
        died_inside_[i] += diary.phase[i].load() == kInside ? 1 : 0;
        died_near_[i] += diary.phase[i].load() == kNear ? 1 : 0;
        diary.phase[i].store(kAway);
    }
    for (std::atomic<std::uint32_t>& one : diary.has_permit) { one.store(0); }
}

// Nobody came after the last who died.
void LockScene::hear_the_last(std::uint32_t which, Faults& faults) {
    const Status taken = lock_[which].take(brood::seconds(5));
    if (taken.code() == Errc::owner_died) {
        book_.guarded[which].heard.fetch_add(1);
    } else if (!taken.ok()) {
        faults.add(name(), "held", "lock %u, though all ended: %s", which, taken.error().name());
        return;
    }
    lock_[which].release().expect("releasing a lock");
    const std::uint32_t heard = book_.guarded[which].heard.load();
    const std::uint32_t sure = died_inside_[which], unsure = died_near_[which];
    if (heard < sure || heard > sure + unsure) {
        faults.add(name(), "heard",
                   "lock %u: owner_died %u times, for %u deaths and %u at the door", which, heard,
                   sure, unsure);
    }
    inside_ += sure;
    near_ += unsure;
    heard_ += heard;
}

void LockScene::count_permits(std::uint32_t which, Faults& faults) {
    std::uint32_t got = 0;
    while (got <= kPermits[which] && semaphore_[which].try_take().ok()) { ++got; }
    if (got != kPermits[which]) {
        faults.add(name(), "permits", "semaphore %u has %u of %u, though all ended", which, got,
                   kPermits[which]);
    }
    while (got > 0 && semaphore_[which].release().ok()) { --got; }
}

void LockScene::account(Faults& faults) {
    for (unsigned seat = 0; seat < kSeats; ++seat) {
        const Diary& diary = book_.diary[seat];
        sections_ += diary.sections.load();
        const struct {
            const char* what;
            std::uint32_t times;
        } seen[] = {
            {"shared: two in one section", diary.shared.load()},
            {"silent: after a death in the section, without owner_died", diary.silent.load()},
            {"torn: what the lock guards, without owner_died", diary.torn.load()},
            {"crowded: more holders than permits", diary.crowded.load()}};
        for (const auto& one : seen) {
            if (one.times != 0) {
                faults.add(name(), one.what, "%u times, by the one in seat %u", one.times, seat);
            }
        }
    }
    for (std::uint32_t i = 0; i < kLocks; ++i) { hear_the_last(i, faults); }
    for (std::uint32_t i = 0; i < kSemaphores; ++i) { count_permits(i, faults); }
}

}  // namespace

std::unique_ptr<Scene> make_lock_scene() {
    return std::make_unique<LockScene>();
}

}  // namespace storm
