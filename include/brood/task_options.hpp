// TaskOptions: what may be asked for one task of a pool.
#ifndef BROOD_TASK_OPTIONS_HPP
#define BROOD_TASK_OPTIONS_HPP

#include <cstdint>

#include <brood/detail/task.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// Which of the tasks that wait in a pool is next: see PoolOptions::order().
enum class Order : std::uint8_t { fifo, priority, shortest_first };

/// `pool.apply_async(TaskOptions().timeout(seconds(2)).retries(1), f, 7)`. What is not set is as
/// PoolOptions has it. For those of a map: MapOptions::task().
class TaskOptions {
public:
    static constexpr std::int32_t kPriorityMax = 100;

    /// How long the task may run, up to 13 days; forever(): as long as it likes. See
    /// PoolOptions::task_timeout().
    TaskOptions& timeout(Timeout timeout) noexcept {
        wishes_.terms.ticks = detail::ticks_of(timeout);
        return *this;
    }
    /// How often it is run again when its worker has died. See PoolOptions::retries().
    TaskOptions& retries(std::uint32_t times) noexcept {
        wishes_.terms.retries = times;
        return *this;
    }
    /// How long its submission waits for room. See PoolOptions::submit_timeout().
    TaskOptions& submit_timeout(Timeout timeout) noexcept {
        wishes_.room_ns = detail::room_ns_of(timeout);
        return *this;
    }
    /// -kPriorityMax .. kPriorityMax, the higher the sooner, in a pool with Order::priority; in
    /// others it is refused. Without it: 0.
    TaskOptions& priority(std::int32_t level) noexcept {
        wishes_.priority = level;
        return *this;
    }
    /// How long the task will take, by guess, for a pool with Order::shortest_first; in others it
    /// is refused. Microseconds count, and from 71 minutes on all are alike. Without it: no time.
    TaskOptions& expected(Timeout time) noexcept {
        wishes_.expected = detail::expected_of(time);
        return *this;
    }

private:
    friend class Pool;
    friend class MapOptions;
    detail::TaskWishes wishes_;
};

}  // namespace v0
}  // namespace brood

#endif
