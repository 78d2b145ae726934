#include <tools/sched/ready_queue.hpp>

namespace tool::sched {

namespace {
constexpr int kLastLevel = 2;
}  // namespace

const char* short_name(Policy policy) noexcept {
    constexpr const char* kNames[kPolicies] = {"fcfs", "sjf", "srtf", "rr", "mlfq"};
    return kNames[static_cast<std::size_t>(policy)];
}

const char* long_name(Policy policy) noexcept {
    constexpr const char* kNames[kPolicies] = {"first come, first served", "shortest job first",
                                               "shortest remaining time first", "round robin",
                                               "multilevel feedback queue"};
    return kNames[static_cast<std::size_t>(policy)];
}

bool ReadyQueue::goes_before(const Entry& one, const Entry& other) const noexcept {
    switch (rules_.policy) {
        case Policy::sjf:
        case Policy::srtf: return one.left < other.left;
        case Policy::mlfq: return levels_[one.job] < levels_[other.job];
        default: return false;
    }
}

void ReadyQueue::add(std::size_t job, std::int64_t left) noexcept {
    const Entry entry = {job, left};
    std::size_t at = count_++;
    for (; at > 0 && goes_before(entry, entries_[at - 1]); --at) {
        entries_[at] = entries_[at - 1];
    }
    entries_[at] = entry;
}

bool ReadyQueue::take(std::size_t& job) noexcept {
    if (count_ == 0) { return false; }
    job = entries_[0].job;
    --count_;
    for (std::size_t i = 0; i < count_; ++i) { entries_[i] = entries_[i + 1]; }
    return true;
}

void ReadyQueue::drop(std::size_t job) noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        if (entries_[i].job != job) { entries_[kept++] = entries_[i]; }
    }
    count_ = kept;
}

std::int64_t ReadyQueue::allotment(std::size_t job) const noexcept {
    const int level = levels_[job];
    return level == kLastLevel ? kNoEnd : rules_.quantum << level;
}

std::int64_t ReadyQueue::slice(std::size_t job) const noexcept {
    switch (rules_.policy) {
        case Policy::rr: return rules_.quantum;
        case Policy::mlfq: {
            const std::int64_t whole = allotment(job);
            return whole == kNoEnd ? kNoEnd : whole - used_[job];
        }
        default: return kNoEnd;
    }
}

void ReadyQueue::ran(std::size_t job, std::int64_t time) noexcept {
    used_[job] += time;
    if (rules_.policy != Policy::mlfq || used_[job] < allotment(job)) { return; }
    used_[job] = 0;
    ++levels_[job];
}

void ReadyQueue::boost() noexcept {
    for (int& level : levels_) { level = 0; }
    for (std::int64_t& used : used_) { used = 0; }
}

bool ReadyQueue::displaces(std::size_t job, std::int64_t left) const noexcept {
    const bool may = rules_.policy == Policy::srtf || rules_.policy == Policy::mlfq;
    return may && count_ > 0 && goes_before(entries_[0], {job, left});
}

}  // namespace tool::sched
