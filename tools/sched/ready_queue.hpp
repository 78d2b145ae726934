// Which of the jobs that are ready gets the CPU, and for how long: the policies of the textbooks.
#ifndef BROOD_TOOLS_SCHED_READY_QUEUE_HPP
#define BROOD_TOOLS_SCHED_READY_QUEUE_HPP

#include <cstddef>
#include <cstdint>

#include <tools/sched/jobs.hpp>

namespace tool::sched {

enum class Policy { fcfs, sjf, srtf, rr, mlfq };
inline constexpr std::size_t kPolicies = 5;

/// "fcfs" and "first come, first served".
const char* short_name(Policy policy) noexcept;
const char* long_name(Policy policy) noexcept;

struct Rules {
    Policy policy;
    std::int64_t quantum;  ///< Of rr, and of the first level of mlfq; in the caller's unit.
    std::int64_t boost;    ///< Of mlfq: how often all go up to the first level; 0: never.
};

/// The jobs that are ready, known by their numbers.
///
/// fcfs  in the order in which they became ready, each until it waits or ends.
/// sjf   the one with the shortest next burst, until it waits or ends. Ties: as fcfs.
/// srtf  the one with the least left of its burst; one with less takes the CPU away.
/// rr    as fcfs, but each at most for a quantum, and then at the end of the queue.
/// mlfq  three levels: a quantum, two quanta, then as fcfs. Who has used up what its level gives,
///       in one go or in many, goes one down; a higher level takes the CPU away from a lower one.
///       All go up to the first together, so that nobody starves, every `boost`. (Rules 1 to 5 of
///       Arpaci-Dusseau, Operating Systems: Three Easy Pieces, chapter 8, with the levels of
///       Silberschatz, Operating System Concepts, 5.3.6.)
class ReadyQueue {
public:
    static constexpr std::int64_t kNoEnd = INT64_MAX;

    explicit ReadyQueue(const Rules& rules) noexcept : rules_(rules) {}

    /// It has become ready, or lost the CPU; `left` of its burst.
    void add(std::size_t job, std::int64_t left) noexcept;
    /// The next; false if none is ready.
    bool take(std::size_t& job) noexcept;
    /// It has ended: it is ready no longer.
    void drop(std::size_t job) noexcept;
    /// How long this one may run before it must be added again; kNoEnd: till it waits or ends.
    std::int64_t slice(std::size_t job) const noexcept;
    /// It has run for so long.
    void ran(std::size_t job, std::int64_t time) noexcept;
    /// mlfq: all are on the first level again, with all that it gives.
    void boost() noexcept;
    /// Whether one that is ready takes the CPU from `job`, which has `left` of its burst.
    bool displaces(std::size_t job, std::int64_t left) const noexcept;

private:
    struct Entry {
        std::size_t job;
        std::int64_t left;
    };
    bool goes_before(const Entry& one, const Entry& other) const noexcept;
    std::int64_t allotment(std::size_t job) const noexcept;

    Rules rules_;
    Entry entries_[Jobs::kMax] = {};  // the next one first
    std::size_t count_ = 0;
    int levels_[Jobs::kMax] = {};         // mlfq
    std::int64_t used_[Jobs::kMax] = {};  // mlfq: of what the level gives
};

}  // namespace tool::sched

#endif
