// The account of a queue's letters: who put which, who got which, and what is due of the dead.
#ifndef BROOD_TEST_CRASH_LETTERS_HPP
#define BROOD_TEST_CRASH_LETTERS_HPP

#include <atomic>

#include "queues.hpp"
#include "stage.hpp"

namespace crash {

/// Everybody who puts has a number: an actor's, kVictim, or one of these.
constexpr int kVictim = Board::kVictim;
constexpr int kSecond = Board::kActors;  ///< Who recovers, and is killed in it.
constexpr int kFiller = Board::kActors + 1;

/// What users of a queue write down outside of it, where a kill leaves it. put() and get() are for
/// them, the rest for the tracer.
class Letters {
public:
    Letters(TestQueue& queue, Stage*& stage);

    /// Puts, or gets, so many letters one by one. False: closed, or `timeout_ms` was not enough.
    bool put(int who, int count, std::int64_t timeout_ms = TestQueue::kForever);
    /// Of a joinable queue: each is done at once.
    bool get(int who, int count, std::int64_t timeout_ms = TestQueue::kForever);
    /// Says that one is done.
    void settle(int who);
    /// Waits until all is done, noting what was abandoned. False: not within the time given.
    bool join(int who, std::int64_t timeout_ms = TestQueue::kForever);

    // The same in parts, for the victim: before the operation, and with what it returned.
    void begin_put(int who, Letter* letters, int count);
    void end_put(int who, int result);
    void begin_get(int who) { page_->waits[who].store(kGets); }
    void end_get(int who, const Letter* letters, int result);

    void begin_settling(int who) { page_->waits[who].store(kIdle); }
    void end_settling(int who, int result);
    /// Until begin(): somebody may have said so of what others got.
    void let_others_settle() { others_settle_ = true; }
    void begin_join(int who) { page_->waits[who].store(kJoins); }
    void end_join(int who, int result, int abandoned);

    /// `room`: of a queue without a bound, for so many letters.
    void begin(bool near_wrap, int fill, int room = 0);
    bool waits_to_put(int who) const { return page_->waits[who].load() == kPuts; }
    bool waits_to_get(int who) const { return page_->waits[who].load() == kGets; }
    bool waits_to_join(int who) const { return page_->waits[who].load() == kJoins; }
    long moved() const { return page_->moved.load(); }
    /// Whether he has not heard of all that the dead held.
    bool is_in_the_dark(int who) const { return page_->heard[who].load() < held_by_the_dead_; }

    /// Waits until everybody rests, and nobody has a letter that he has not recorded yet: who looks
    /// again after a slice of time moves by himself.
    void come_to_rest() const;
    /// `who`, in the middle of whatever it does, is about to be killed. Returns: how many it put in
    /// the operation that it is in.
    int reckon(int who, int may_take);
    /// ... and of one who is in the middle of nothing, and holds what he got: so many.
    void reckon_holder(int held) {
        held_by_the_dead_ += held;
        ++unhandled_;
    }
    /// Everybody is through, and what was left has been got. Of a peer, that many may be missing.
    void account(bool may_drop, int may_miss);

private:
    enum Waits : int { kIdle, kPuts, kGets, kJoins };
    static constexpr int kWho = Board::kActors + 2;
    static constexpr int kNumbers = 64, kOnce = 256;
    struct Page {
        std::atomic<int> begun[kWho], done[kWho], waits[kWho];
        std::atomic<int> got[kWho][kNumbers];  // how often, and kOnce for each number of a getter
        // Of a joinable queue: how many he said were done; and of how many abandoned ones he heard,
        // and how often to the end.
        std::atomic<int> settled[kWho], heard[kWho], joined[kWho];
        std::atomic<long> moved;
    };

    void record(int who, const Letter& letter);
    int times_got(int producer, int number) const {
        return page_->got[producer][number].load() % kOnce;
    }
    int got_by(int who) const;
    int unrecorded() const;
    void reckon_held(int who, int taken);
    void check_joined();
    void account_of_work(int dropped);
    void account_of_lost();

    TestQueue& queue_;
    Stage*& stage_;
    Page* page_;
    int last_[kWho] = {};                // Of each producer, got by this process.
    bool was_put_[kWho][kNumbers] = {};  // ... by one who was killed before he could say so.
    int taken_by_the_dead_ = 0;
    int held_by_the_dead_ = 0;  // ... and what they had got, and not done
    // Of the dead, who had got something before: they had handled that, or not, or nobody can say.
    int unhandled_ = 0, handled_perhaps_ = 0;
    bool others_settle_ = false;
};

}  // namespace crash

#endif
