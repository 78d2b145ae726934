// The queues that the scenes are played with: brood's, and others for comparison.
#ifndef BROOD_TEST_CRASH_QUEUES_HPP
#define BROOD_TEST_CRASH_QUEUES_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace crash {

enum class Side { put, get };

/// A message that shows whether it is whole.
struct alignas(64) Letter {
    std::uint32_t producer, number, copies[14];

    static Letter make(std::uint32_t producer, std::uint32_t number);
    bool is_whole() const;
};
static_assert(sizeof(Letter) == 64);

/// One queue in memory that children share, at the same place each time.
class TestQueue {
public:
    static constexpr std::size_t kMost = 4;      ///< Letters at a time.
    static constexpr std::size_t kTogether = 6;  ///< ... by one call.
    static constexpr std::int64_t kForever = -1;
    // What put() and get() return in place of how many letters.
    static constexpr int kNothing = 0;  ///< Not within the time given.
    static constexpr int kClosed = -1;
    static constexpr int kRefused = -2;  ///< Anything else.

    TestQueue() = default;
    virtual ~TestQueue() = default;
    TestQueue(const TestQueue&) = delete;
    TestQueue& operator=(const TestQueue&) = delete;

    virtual const char* name() const = 0;
    /// Makes it anew, empty. Nobody else is there.
    virtual void make(bool near_wrap) = 0;
    virtual void fill(const Letter* letters, std::size_t count) = 0;
    virtual int put(const Letter* letters, std::size_t count, std::int64_t timeout_ms) = 0;
    virtual int get(Letter* letters, std::size_t count, std::int64_t timeout_ms) = 0;

    /// False: it is a peer, of which none of the following is known.
    virtual bool is_ours() const { return false; }
    /// What lies in it, and how many were taken out of it since make().
    virtual std::vector<Letter> contents() const { return {}; }
    virtual std::uint32_t taken() const { return 0; }
    virtual std::size_t size() const { return 0; }
    /// Of what these two count, so much is a letter of that producer.
    virtual std::size_t weight_of(std::uint32_t /*producer*/) const { return 1; }
    /// From now on his letters are long, if there are long ones; until make().
    virtual void lengthen(std::uint32_t /*producer*/) {}
    virtual bool has_room(std::size_t weight) const { return size() + weight <= kMost; }
    /// How many went with their getters, as the queue counts them; -1: it does not.
    virtual long lost() { return -1; }
    /// The caller has handled what it got, and comes no more.
    virtual void leave() {}

    // Of one without a bound: room for so many letters; whether it has no more than at first.
    virtual bool is_bounded() const { return true; }
    virtual void widen(int /*letters*/) {}
    virtual bool is_as_at_first() const { return true; }

    // Of a joinable one; what was done, and written off, since make().
    virtual bool is_joinable() const { return false; }
    virtual std::uint32_t done() const { return 0; }
    virtual std::uint32_t written_off() const { return 0; }
    virtual std::uint32_t unfinished() const { return 0; }
    virtual int task_done() { return kRefused; }  ///< kNothing: all that was got is done.
    /// 1: nothing is unfinished; else as get(), and how many were `abandoned`.
    virtual int join_all(std::int64_t /*timeout_ms*/, int& /*abandoned*/) { return kRefused; }

    virtual void shutdown(bool /*now*/) {}
    virtual bool is_shut() const { return false; }
    /// The caller becomes a member, without touching the queue.
    virtual void join() {}
    /// The caller, who owns that side, stands in the middle of an operation, or no longer does.
    virtual void pause_inside(Side) {}
    virtual void go_on() {}
    /// Whether somebody sleeps because of the use of that side.
    virtual bool is_lease_awaited(Side) const { return false; }
    /// A copy of all that a survivor can see.
    virtual const std::vector<std::uint32_t>& state() { return state_; }

protected:
    std::vector<std::uint32_t> state_;
};

std::unique_ptr<TestQueue> make_brood_queue();
std::unique_ptr<TestQueue> make_joinable_queue();
std::unique_ptr<TestQueue> make_byte_queue();
/// Without a bound: at first there is room for kMost letters, or short ones.
std::unique_ptr<TestQueue> make_growing_queue();
std::unique_ptr<TestQueue> make_growing_byte_queue();
/// Those of others, as far as they are there.
std::vector<std::unique_ptr<TestQueue>> make_peer_queues();

}  // namespace crash

#endif
