// Who holds what was got from a joinable queue: a record for each thread that gets, or says that
// something is done.
//
//   unfinished  = put.index - done - written_off: a put needs no step more
//   outstanding = get.index - done - written_off: got, and neither done nor written off
//
// A getter writes how much it will have got, `after`, and commits: by the index, as ever. So
// "after, if the index has passed `at`, else got" is right at every instruction, and what the
// living hold is known without their help. What is outstanding beyond that went with the dead.
//
// Each thread holds a mutex of this queue's as long as it takes part, which joiners watch while
// they sleep. Not that of its entry in the table of members: a death wakes one of those who sleep
// on a mutex, and joiners of several queues would sleep on that.
#ifndef BROOD_SRC_JOIN_BOOK_HPP
#define BROOD_SRC_JOIN_BOOK_HPP

#include <atomic>
#include <cstdint>

#include <brood/result.hpp>
#include <port/port.hpp>

#include "object_memory.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

struct Ring;
struct Membership;

struct Holder {
    port::RobustMutex life;
    alignas(
        64) std::atomic<std::uint32_t> is_used;  // the rest is about its holder, or the last one
    std::atomic<std::uint32_t> got;              // messages in all its gets, and ...
    std::atomic<std::uint32_t> after;            // ... in those and one that is under way ...
    std::atomic<std::uint32_t> at;               // ... at this index
    std::atomic<std::uint32_t> settled;
    std::atomic<std::int32_t> process;

    // The holder's, in a get.
    void begin(std::uint32_t index, std::uint32_t count) noexcept {
        at.store(index, std::memory_order_release);
        after.store(got.load(std::memory_order_relaxed) + count, std::memory_order_release);
    }
    void end() noexcept {
        got.store(after.load(std::memory_order_relaxed), std::memory_order_release);
    }

    /// How many messages it holds, if `index` is the queue's, and stays that until this returns.
    std::uint32_t holds(std::uint32_t index) const noexcept;
};

struct JoinBook {
    static constexpr std::uint32_t kHolders = 126;
    static_assert(kHolders <= port::kWatchedMax);

    port::RobustMutex mutex;  // of those who change the counts, and who become holders
    port::Bell joiners;
    std::atomic<std::uint32_t> done;
    std::atomic<std::uint32_t> written_off;
    std::atomic<std::uint32_t> has_struck;  // a dead holder was struck out, and not written off yet
    std::atomic<std::uint32_t> top;         // no record from here on was ever used
    alignas(64) Holder holder[kHolders];

    /// The record of the calling thread, made if it has none. Errors: too_many_members; timed_out,
    /// would_block (one who is stopped in the middle of something).
    Result<Holder*> holder_of(Membership& me, std::uint32_t object,
                              std::int64_t deadline_ns) noexcept {
        return knows(me, object) ? mine(me) : find_holder(me, object, deadline_ns);
    }
    /// The calling thread takes part no more. What it holds is abandoned.
    void leave(Membership& me) noexcept;
    bool is_used_here() noexcept;
    /// Whether the calling thread holds any message.
    bool holds_any(Ring& ring) noexcept;
    bool has_living() noexcept;

    std::uint32_t outstanding(Ring& ring) const noexcept;
    /// 0 only if it was 0 at some moment of the call.
    std::uint32_t unfinished(Ring& ring) const noexcept;
    /// One message was done. Errors: too_many_task_done.
    Status settle(Ring& ring, Membership& me) noexcept;
    /// Writes off what is held by the dead, whom it strikes out. Errors: timed_out, corrupt.
    Status write_off(Ring& ring, std::int64_t deadline_ns) noexcept;
    bool has_dead() noexcept;
    Status sleep(std::int64_t deadline_ns) noexcept;
    void ring_joiners() noexcept;

private:
    static bool knows(const Membership& me, std::uint32_t object) noexcept;
    Holder* mine(const Membership& me) noexcept;
    Result<Holder*> find_holder(Membership& me, std::uint32_t object,
                                std::int64_t deadline_ns) noexcept;
    bool take_record(Holder& one) noexcept;
    Holder* whose(Ring& ring, Holder& caller) noexcept;
    bool count_abandoned(Ring& ring) noexcept;
};

/// Makes one in zeroes, or in the place of a former one. Errors: no_memory.
Status lay_out_book(JoinBook& book, Before before) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
