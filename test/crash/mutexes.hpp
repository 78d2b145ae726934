// The mutexes that the scenes of locks are played with: brood's, and the libc's for comparison.
#ifndef BROOD_TEST_CRASH_MUTEXES_HPP
#define BROOD_TEST_CRASH_MUTEXES_HPP

#include <atomic>
#include <cstdint>
#include <memory>

namespace crash {

enum class Got {
    held,
    held_after_death,  ///< ... of the former holder, which was reported.
    timed_out,
    refused,  ///< Anything else.
};

constexpr std::int64_t kForever = -1;

/// One mutex in memory that children share, at the same place each time.
class Mutex {
public:
    Mutex();
    explicit Mutex(void* memory) : memory_(memory) {}
    virtual ~Mutex() = default;
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;

    virtual const char* name() const = 0;
    /// False: it promises nothing, and is there for comparison.
    virtual bool is_ours() const { return false; }
    virtual void make() = 0;
    virtual Got take(std::int64_t timeout_ms) = 0;
    virtual bool release() = 0;
    virtual void destroy() { (void)release(); }
    /// False: most of what it does is done by another, which is played in whole.
    virtual bool is_whole() const { return true; }
    /// Where a death is to be reported: FUTEX_OWNER_DIED and the holder's thread number.
    virtual bool is_robust() const { return true; }
    std::uint32_t word() const;

    static constexpr std::size_t kBytes = 64;
    void* memory() const { return memory_; }

private:
    void* memory_;
};

std::unique_ptr<Mutex> make_brood_mutex();
/// An RLock, taken twice and let go of twice each time.
std::unique_ptr<Mutex> make_brood_rlock();
std::unique_ptr<Mutex> make_pthread_mutex(bool robust);

}  // namespace crash

#endif
