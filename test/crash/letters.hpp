// The account of a queue's letters: who put which, who got which, and what is due of the dead.
#ifndef BROOD_TEST_CRASH_LETTERS_HPP
#define BROOD_TEST_CRASH_LETTERS_HPP

#include <atomic>

#include "queues.hpp"
#include "stage.hpp"

namespace crash {

/// Everybody who puts has a number: an actor's, kVictim, or one of these.
constexpr int kSecond = Board::kActors;  ///< Who recovers, and is killed in it.
constexpr int kFiller = Board::kActors + 1;

/// What users of a queue write down outside of it, where a kill leaves it. put() and get() are for
/// them, the rest for the tracer.
class Letters {
public:
    Letters(TestQueue& queue, Stage*& stage);

    /// Puts, or gets, so many letters one by one. False: closed, or `timeout_ms` was not enough.
    bool put(int who, int count, std::int64_t timeout_ms = TestQueue::kForever);
    bool get(int who, int count, std::int64_t timeout_ms = TestQueue::kForever);

    // The same in parts, for the victim: before the operation, and with what it returned.
    void begin_put(int who, Letter* letters, int count);
    void end_put(int who, int result);
    void begin_get(int who) { page_->waits[who].store(kGets); }
    void end_get(int who, const Letter* letters, int result);

    void begin(bool near_wrap, int fill);
    bool waits_to_put(int who) const { return page_->waits[who].load() == kPuts; }
    bool waits_to_get(int who) const { return page_->waits[who].load() == kGets; }
    long moved() const { return page_->moved.load(); }

    /// `who`, in the middle of whatever it does, is about to be killed. Returns: how many it put in
    /// the operation that it is in.
    int reckon(int who, int may_take);
    /// Everybody is through, and what was left has been got. Of a peer, that many may be missing.
    void account(bool may_drop, int may_miss);

private:
    enum Waits : int { kIdle, kPuts, kGets };
    static constexpr int kWho = Board::kActors + 2;
    static constexpr int kNumbers = 64;
    struct Page {
        std::atomic<int> begun[kWho], done[kWho], waits[kWho];
        std::atomic<int> got[kWho][kNumbers];
        std::atomic<long> moved;
    };

    void record(int who, const Letter& letter);
    int unrecorded() const;

    TestQueue& queue_;
    Stage*& stage_;
    Page* page_;
    int last_[kWho] = {};                // Of each producer, got by this process.
    bool was_put_[kWho][kNumbers] = {};  // ... by one who was killed before he could say so.
    int taken_by_the_dead_ = 0;
};

}  // namespace crash

#endif
