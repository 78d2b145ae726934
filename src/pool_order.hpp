// Which task is next in a pool with an order other than that of submission.
//
// The state of a task that is ready holds the number of its submission, and its weight says how far
// it stands behind those that came with it. So a worker compares what it sees, and claims the best
// by a CAS on the state that it compared: if another task has taken the slot since, it fails.
#ifndef BROOD_SRC_POOL_ORDER_HPP
#define BROOD_SRC_POOL_ORDER_HPP

#include <atomic>
#include <cstdint>

#include "pool_care.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

// In TaskWishes::expected, instead of microseconds.
inline constexpr std::uint32_t kExpectedUnset = UINT32_MAX;
inline constexpr std::uint32_t kExpectedNegative = UINT32_MAX - 1;
inline constexpr std::uint32_t kExpectedOverflow = UINT32_MAX - 2;
inline constexpr std::uint32_t kExpectedMax = UINT32_MAX - 3;

// Who was passed by as many later tasks as this many tables hold is passed no more.
inline constexpr std::int32_t kTablesPassing = 8;

/// By how many submissions a task of this priority stands behind one of the highest.
constexpr std::uint32_t lag_of(std::int32_t priority, std::uint32_t capacity) noexcept {
    return static_cast<std::uint32_t>(TaskOptions::kPriorityMax - priority) * capacity;
}
// Numbers of submissions, of which a state has so many bits, are compared by their distance.
inline constexpr std::uint32_t kNumberBits = 32 - kStateBits;
static_assert(lag_of(-TaskOptions::kPriorityMax, PoolOptions::kCapacityMax) +
                      PoolOptions::kCapacityMax <
                  1u << (kNumberBits - 2),
              "who is passed by all that may pass it still is the older");

/// The weight of a task in this pool. timeout_negative, timeout_overflow, bad_argument.
Errc weigh(const PoolCore& core, const TaskWishes& wishes, std::uint32_t& weight) noexcept;

/// Looks for the next task, in a worker.
class NextTask {
public:
    explicit NextTask(PoolCore& core) noexcept
        : shared_(*core.shared),
          care_(PoolCare::of(shared_)),
          order_(core.order()),
          usual_weight_(order_ == Order::priority ? lag_of(0, shared_.capacity) : 0) {}

    bool is_ordered() const noexcept { return order_ != Order::fifo; }

    struct Found {
        Slot* slot;           // null: none
        std::uint32_t state;  // as it was compared
    };
    /// `everywhere`: at all slots; that is needed for tasks that were put back.
    Found look(bool everywhere) noexcept;
    /// How many were submitted when it looked.
    std::uint32_t end() const noexcept { return end_; }

private:
    void look_among_the_late(std::uint32_t hint) noexcept;
    void look_everywhere() noexcept;
    std::uint32_t consider(std::uint32_t index) noexcept;
    std::int64_t rank_of(std::uint32_t index, std::uint32_t state) noexcept;
    std::int32_t place_of(std::uint32_t state) const noexcept;

    PoolShared& shared_;
    PoolCare& care_;
    Order order_;
    std::uint32_t usual_weight_;
    std::uint32_t end_ = 0;
    Found best_ = {nullptr, 0};
    std::int64_t best_rank_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
