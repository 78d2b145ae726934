#include "letters.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "../shared_pages.hpp"
#include "tracee.hpp"

namespace crash {

Letters::Letters(TestQueue& queue, Stage*& stage)
    : queue_(queue), stage_(stage), page_(static_cast<Page*>(test::shared_pages(sizeof(Page)))) {}

void Letters::begin(bool near_wrap, int fill, int room) {
    memset(static_cast<void*>(page_), 0, sizeof(*page_));
    memset(was_put_, 0, sizeof(was_put_));
    for (int& last : last_) { last = -1; }
    taken_by_the_dead_ = held_by_the_dead_ = unhandled_ = handled_perhaps_ = 0;
    others_settle_ = false;
    queue_.make(near_wrap);
    queue_.widen(room);
    Letter letters[kNumbers];
    begin_put(kFiller, letters, fill);
    queue_.fill(letters, static_cast<std::size_t>(fill));
    end_put(kFiller, fill);
}

void Letters::begin_put(int who, Letter* letters, int count) {
    const int first = page_->begun[who].load();
    if (first + count > kNumbers) {
        fputs("crash: a scene with too many letters\n", stderr);
        exit(2);
    }
    for (int i = 0; i < count; ++i) {
        letters[i] =
            Letter::make(static_cast<std::uint32_t>(who), static_cast<std::uint32_t>(first + i));
    }
    page_->begun[who].store(first + count);
    page_->waits[who].store(kPuts);
}

void Letters::end_put(int who, int result) {
    page_->waits[who].store(kIdle);
    if (result > 0) {
        page_->done[who].fetch_add(result);
        page_->moved.fetch_add(1);
    }
    if (result == TestQueue::kRefused) {
        stage_->complain(Fault::wrong, "a put failed, though one was to wait", who);
    }
    if (result == TestQueue::kClosed && !queue_.is_shut()) {
        stage_->complain(Fault::wrong, "closed, though nobody shut it down", who);
    }
}

void Letters::end_get(int who, const Letter* letters, int result) {
    for (int i = 0; i < result; ++i) { record(who, letters[i]); }
    page_->waits[who].store(kIdle);
    if (result > 0) { page_->moved.fetch_add(1); }
    if (result == TestQueue::kRefused) {
        stage_->complain(Fault::wrong, "a get failed, though one was to wait", who);
    }
    if (result == TestQueue::kClosed && !queue_.is_shut()) {
        stage_->complain(Fault::wrong, "closed, though nobody shut it down", who);
    }
}

void Letters::record(int who, const Letter& letter) {
    const auto number = static_cast<int>(letter.number);
    if (letter.producer >= kWho || number >= kNumbers || !letter.is_whole()) {
        return stage_->complain(Fault::wrong, "a torn letter", who);
    }
    int& last = last_[letter.producer];
    stage_->check(number > last, Fault::wrong, "letters of one out of their order", who);
    last = number;
    // How often, and by whom: if he is killed now, both are known, or neither.
    const int before = page_->got[letter.producer][number].fetch_add(1 + (who + 1) * kOnce);
    stage_->check(before == 0, Fault::duplicated, "a letter that two got", who);
}

bool Letters::put(int who, int count, std::int64_t timeout_ms) {
    for (int i = 0; i < count; ++i) {
        Letter letter;
        begin_put(who, &letter, 1);
        const int result = queue_.put(&letter, 1, timeout_ms);
        end_put(who, result);
        if (result <= 0) { return false; }
    }
    return true;
}

bool Letters::get(int who, int count, std::int64_t timeout_ms) {
    for (int i = 0; i < count; ++i) {
        Letter letter = {};
        begin_get(who);
        const int result = queue_.get(&letter, 1, timeout_ms);
        end_get(who, &letter, result);
        if (result <= 0) { return false; }
        if (queue_.is_joinable()) { settle(who); }
    }
    return true;
}

void Letters::settle(int who) {
    begin_settling(who);
    end_settling(who, queue_.task_done());
}

void Letters::end_settling(int who, int result) {
    if (result > 0) {
        page_->settled[who].fetch_add(1);
        page_->moved.fetch_add(1);
    }
    const bool is_fine = result > 0 || (others_settle_ && result == TestQueue::kNothing);
    stage_->check(is_fine, Fault::wrong, "a holder could not say that it was done", who);
}

bool Letters::join(int who, std::int64_t timeout_ms) {
    for (;;) {
        int abandoned = 0;
        begin_join(who);
        const int result = queue_.join_all(timeout_ms, abandoned);
        end_join(who, result, abandoned);
        if (abandoned == 0) { return result > 0; }
    }
}

void Letters::end_join(int who, int result, int abandoned) {
    page_->heard[who].fetch_add(abandoned);
    if (result > 0) { page_->joined[who].fetch_add(1); }
    page_->waits[who].store(kIdle);
    if (result > 0 || abandoned > 0) { page_->moved.fetch_add(1); }
    stage_->check(result >= 0, Fault::wrong, "a join failed, though one was to wait", who);
}

int Letters::got_by(int who) const {
    int count = 0;
    for (const auto& of_one : page_->got) {
        for (const std::atomic<int>& got : of_one) {
            count += got.load() / kOnce == who + 1 ? 1 : 0;
        }
    }
    return count;
}

int Letters::unrecorded() const {
    int count = static_cast<int>(queue_.taken());
    for (int who = 0; who < kWho; ++who) {
        for (int number = 0; number < page_->begun[who].load(); ++number) {
            const auto weight = queue_.weight_of(static_cast<std::uint32_t>(who));
            count -= times_got(who, number) * static_cast<int>(weight);
        }
    }
    return count;
}

void Letters::come_to_rest() const {
    const auto now = [this] {
        const std::uint32_t of_queue[] = {queue_.taken(), queue_.done()};
        return hash_of(of_queue, sizeof(of_queue), hash_of(page_, sizeof(*page_)));
    };
    for (std::uint64_t before = 0, seen = now(); seen != before; seen = now()) {
        before = seen;
        stage_->settle();
    }
}

// One 32-bit store of an index is the commit: what it says now, holds.
int Letters::reckon(int who, int may_take) {
    if (!queue_.is_ours()) { return 0; }
    for (const Letter& letter : queue_.contents()) {
        if (letter.producer == static_cast<std::uint32_t>(who) && letter.number < kNumbers) {
            was_put_[who][letter.number] = true;
        }
    }
    for (int number = page_->done[who].load(); number < page_->begun[who].load(); ++number) {
        if (times_got(who, number) > 0) { was_put_[who][number] = true; }
    }
    const int taken = unrecorded() - taken_by_the_dead_;
    stage_->check(taken >= 0, Fault::duplicated, "more was got than was taken out");
    const auto weight = std::max(queue_.weight_of(kVictim), queue_.weight_of(kFiller));
    const int most = may_take * static_cast<int>(weight);
    stage_->check(taken <= most, Fault::lost, "taken out, and nobody has it");
    taken_by_the_dead_ += taken;
    if (got_by(who) > 0) { ++handled_perhaps_; }
    if (queue_.is_joinable()) { reckon_held(who, taken); }
    int put = 0;
    for (int number = page_->done[who].load(); number < page_->begun[who].load(); ++number) {
        put += was_put_[who][number] ? 1 : 0;
    }
    return put;
}

// One addition to the count is the commit of a task_done, too. Only `who` can be behind it.
void Letters::reckon_held(int who, int taken) {
    check_joined();
    int unsaid = static_cast<int>(queue_.done());
    for (const std::atomic<int>& said : page_->settled) { unsaid -= said.load(); }
    page_->settled[who].fetch_add(unsaid);
    stage_->check(unsaid == 0 || unsaid == 1, Fault::wrong, "done, and nobody did it");
    const int held = got_by(who) + taken - page_->settled[who].load();
    held_by_the_dead_ += std::max(held, 0);  // What was done for another he does not hold.
}

// Who joined, and came to the end, has heard of all that the dead held; and of what one who lives
// holds, if somebody was killed who was about to say that it is done.
void Letters::check_joined() {
    for (int who = 0; who < kWho; ++who) {
        if (page_->joined[who].exchange(0) == 0) { continue; }
        const int heard = page_->heard[who].load();
        stage_->check(heard >= held_by_the_dead_, Fault::lost, "abandoned work that none heard of");
        stage_->check(heard <= held_by_the_dead_ + (others_settle_ ? 1 : 0), Fault::duplicated,
                      "more abandoned than was");
    }
}

void Letters::account_of_work(int dropped) {
    check_joined();
    int put = -dropped, settled = 0;
    for (int who = 0; who < kWho; ++who) {
        for (int number = 0; number < page_->begun[who].load(); ++number) {
            put += number < page_->done[who].load() || was_put_[who][number] ? 1 : 0;
        }
        settled += page_->settled[who].load();
    }
    const int done = static_cast<int>(queue_.done()), off = static_cast<int>(queue_.written_off());
    const int more = off - held_by_the_dead_;
    stage_->check(more == 0 || (others_settle_ && more == 1), Fault::wrong,
                  "written off other than what the dead held");
    stage_->check(done == settled, Fault::wrong, "other than what was said to be done");
    stage_->check(done + off == put, Fault::wrong, "other than what was put is done or abandoned");
    stage_->check(queue_.unfinished() == 0, Fault::wrong, "all is done, and the queue denies it");
}

// Whether a dead one had handled what he had got before, he may not have come to say.
void Letters::account_of_lost() {
    const long lost = queue_.lost();
    if (lost < 0) { return; }
    const long least = taken_by_the_dead_ + unhandled_;
    stage_->check(lost >= least, Fault::wrong, "taken by the dead, and not counted");
    stage_->check(lost <= least + handled_perhaps_, Fault::wrong, "counted as lost, and was not");
}

void Letters::account(bool may_drop, int may_miss) {
    int missing = 0, unsure = 0;
    for (int who = 0; who < kWho; ++who) {
        for (int number = 0; number < page_->begun[who].load(); ++number) {
            const bool is_due = number < page_->done[who].load() || was_put_[who][number];
            const int got = times_got(who, number);
            if (is_due && got == 0) {
                missing += static_cast<int>(queue_.weight_of(static_cast<std::uint32_t>(who)));
            }
            // Of a peer's dead nobody knows whether they had put it.
            if (!is_due && got > 0) { ++unsure; }
        }
    }
    if (!queue_.is_ours()) {
        stage_->check(missing <= may_miss, Fault::lost, "letters that were put and never got");
        return;
    }
    stage_->check(unsure == 0, Fault::wrong, "a letter of one who had not put it");
    const int dropped = may_drop ? static_cast<int>(queue_.size()) : 0;
    missing -= dropped;
    stage_->check(unrecorded() == taken_by_the_dead_, Fault::lost, "taken out, and nobody has it");
    stage_->check(missing <= taken_by_the_dead_, Fault::lost, "a letter that was put is lost");
    stage_->check(missing >= taken_by_the_dead_, Fault::duplicated, "more was got than was put");
    if (queue_.is_joinable()) { account_of_work(dropped); }
    account_of_lost();
}

}  // namespace crash
