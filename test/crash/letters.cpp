#include "letters.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

namespace crash {

Letters::Letters(TestQueue& queue, Stage*& stage) : queue_(queue), stage_(stage) {
    void* const page =
        mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        perror("crash: mmap");
        exit(2);
    }
    page_ = static_cast<Page*>(page);
}

void Letters::begin(bool near_wrap, int fill) {
    memset(static_cast<void*>(page_), 0, sizeof(*page_));
    memset(was_put_, 0, sizeof(was_put_));
    for (int& last : last_) { last = -1; }
    taken_by_the_dead_ = 0;
    queue_.make(near_wrap);
    Letter letters[TestQueue::kMost];
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
    const int before = page_->got[letter.producer][number].fetch_add(1);
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
    }
    return true;
}

int Letters::unrecorded() const {
    int count = static_cast<int>(queue_.taken());
    for (int who = 0; who < kWho; ++who) {
        for (int number = 0; number < page_->begun[who].load(); ++number) {
            count -= page_->got[who][number].load();
        }
    }
    return count;
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
        if (page_->got[who][number].load() > 0) { was_put_[who][number] = true; }
    }
    const int taken = unrecorded() - taken_by_the_dead_;
    stage_->check(taken >= 0, Fault::duplicated, "more was got than was taken out");
    stage_->check(taken <= may_take, Fault::lost, "taken out, and nobody has it");
    taken_by_the_dead_ += taken;
    int put = 0;
    for (int number = page_->done[who].load(); number < page_->begun[who].load(); ++number) {
        put += was_put_[who][number] ? 1 : 0;
    }
    return put;
}

void Letters::account(bool may_drop, int may_miss) {
    int missing = 0, unsure = 0;
    for (int who = 0; who < kWho; ++who) {
        for (int number = 0; number < page_->begun[who].load(); ++number) {
            const bool is_due = number < page_->done[who].load() || was_put_[who][number];
            const int got = page_->got[who][number].load();
            if (is_due && got == 0) { ++missing; }
            // Of a peer's dead nobody knows whether they had put it.
            if (!is_due && got > 0) { ++unsure; }
        }
    }
    if (!queue_.is_ours()) {
        stage_->check(missing <= may_miss, Fault::lost, "letters that were put and never got");
        return;
    }
    stage_->check(unsure == 0, Fault::wrong, "a letter of one who had not put it");
    if (may_drop) { missing -= static_cast<int>(queue_.size()); }
    stage_->check(unrecorded() == taken_by_the_dead_, Fault::lost, "taken out, and nobody has it");
    stage_->check(missing <= taken_by_the_dead_, Fault::lost, "a letter that was put is lost");
    stage_->check(missing >= taken_by_the_dead_, Fault::duplicated, "more was got than was put");
}

}  // namespace crash
