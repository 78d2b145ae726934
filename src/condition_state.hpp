// What the processes that use a Condition share. For src/condition*.cpp only.
//
// Who waits holds a robust mutex, that of his place, until he has acted upon his notify: so the
// others can tell whether he lives. The bell of the place says how he stands:
//
//   0           nobody waits here
//   kWaiting    he sleeps while the word is this
//   kNotified   he is on his way to the lock, or has it (then `acting` names his place)
//
// All else is changed by the holder of the lock alone, who may die in the midst of it. He leaves
// nothing half done: before he notifies he puts down how many he owes, and the next who takes the
// lock goes on from there. To notify one too many is allowed, one too few is not.
//
// A notify whose recipient died (his mutex is free, his word kNotified) passes to the next. He
// sees it who is woken by the death. That is one of those who watch the mutex: each who sleeps
// watches the mutexes of all who came before him, and as the oldest are notified first, whoever
// may inherit watches. What if he is killed, too? While he sleeps and until he goes for the lock,
// he owes a ring to the bell `heirs`, on which all who wait sleep besides; and before he goes for
// the lock, which makes the system forget what he owes, he rings it himself. So whoever dies on the
// way to a repair, there is another on his way.
//
// None who looks, and is then stopped before he sleeps, misses a thing: notify, what is owed and
// death each change a word that is compared when he falls asleep.
#ifndef BROOD_SRC_CONDITION_STATE_HPP
#define BROOD_SRC_CONDITION_STATE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <brood/condition.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

// Bits 0..29 stay 0, so that owe_ring() may name the bells.
inline constexpr std::uint32_t kGone = 0, kWaiting = port::kBellWaiting,
                               kNotified = port::kBellOwnerDied;
inline constexpr std::uint32_t kOwed = port::kBellWaiting;  // in the word of `heirs`

// A bell's note beside kNotified: for how many tickets after its own the notify was meant.
struct WaitersPlace {
    port::RobustMutex mutex;
    port::Bell bell;

    std::uint32_t stands() const noexcept { return bell.word.load(std::memory_order_seq_cst); }
    void set(std::uint32_t word) noexcept { bell.word.store(word, std::memory_order_seq_cst); }
};

}  // namespace detail

struct Condition::State {
    port::RobustMutex lock;
    port::Bell heirs;  // its note: how many are still to be notified, while the word is kOwed
    std::uint32_t places;
    std::uint32_t acting;             // 0, or 1 + the place of the holder, if it was notified
    std::atomic<std::uint32_t> high;  // from here on nobody waits
    // In the order of coming: of those who wait, more than all that were given before. Written
    // while nobody waits there. With 64 bits it never wraps.
    std::uint64_t ticket[kWaitersMax];
    detail::WaitersPlace place[1];  // and so on

    static std::size_t bytes_for(std::size_t places) noexcept {
        return sizeof(State) + (places - 1) * sizeof(detail::WaitersPlace);
    }
    bool is_mine() noexcept { return port::mutex_is_mine(lock); }
    Status take(std::int64_t deadline_ns) noexcept;
    void stop_acting() noexcept;
    bool enter(std::uint32_t& mine) noexcept;
    void leave(std::uint32_t mine) noexcept;
    Status wait(std::int64_t deadline_ns) noexcept;
    bool sleep(std::uint32_t mine, std::int64_t deadline_ns) noexcept;
    bool look_around(std::uint32_t mine, port::RobustMutex** watched, std::size_t& count) noexcept;
    std::uint64_t last_ticket() const noexcept;
    bool notify_oldest(std::uint64_t last) noexcept;
    void notify(std::uint32_t count, std::uint64_t last) noexcept;
    void owe(std::uint32_t count) noexcept;
    void go_on_notifying() noexcept;
    void bury() noexcept;
};

}  // namespace v0
}  // namespace brood

#endif
