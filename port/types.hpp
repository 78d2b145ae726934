// The types of port/port.hpp: what brood and an operating system say to each other.
#ifndef BROOD_PORT_TYPES_HPP
#define BROOD_PORT_TYPES_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <brood/address.hpp>
#include <brood/result.hpp>

namespace brood::port {

using Pid = std::int32_t;
using Fd = std::int32_t;

inline constexpr Fd kNoFd = -1;
/// A deadline that never comes. Deadlines are absolute, monotonic, in nanoseconds.
inline constexpr std::int64_t kNever = INT64_MAX;

/// How a child stands.
struct ChildState {
    bool ended = false;
    std::int32_t exit_code = 0;  ///< n, or -N when signal N killed it. Only if ended.
};
enum class Reap : std::uint8_t {
    wait,  ///< Wait until it ends, then reap it.
    now,   ///< Reap it if it has ended.
    look,  ///< Only look; it stays a zombie.
};

/// A limit to set in a new program: RLIMIT_* as `resource`, both soft and hard.
struct ResourceLimit {
    std::int32_t resource = 0;
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
};

/// What spawn() starts, and how. A null or negative field leaves things as they are.
struct SpawnPlan {
    const char* path = nullptr;              ///< Searched in PATH if it has no slash.
    const char* const* arguments = nullptr;  ///< argv, null-terminated.
    const char* const* environment = nullptr;
    const char* directory = nullptr;
    Fd input = kNoFd, output = kNoFd, error = kNoFd;  ///< What becomes descriptors 0, 1, 2.
    bool null_input = false;                          ///< 0 becomes /dev/null.
    bool new_group = false;
    bool new_session = false;
    std::int64_t uid = -1, gid = -1;  ///< gid: supplementary groups go.
    const ResourceLimit* limits = nullptr;
    std::size_t limit_count = 0;
    bool set_nice = false;
    std::int32_t nice = 0;
    const std::uint32_t* cpus = nullptr;  ///< CPUs it may use; null: as the caller.
    std::size_t cpu_count = 0;
    Fd lifeline = kNoFd;  ///< As die_with_pipe(), kept open across the exec.
};

/// A set of signals, bit (number - 1). Real-time signals up to 64.
using SignalMask = std::uint64_t;

struct SignalEntry {
    const char* name;  ///< "SIGTERM"
    std::int32_t number;
    const char* meaning;     ///< "termination request"
    const char* by_default;  ///< "ends" "ends, core" "stops" "continues" "ignored"
};

enum class Disposition : std::uint8_t { by_default, ignored, handled };
/// How a signal is handled. `raw` keeps what this page cannot express (flags, mask), so that an
/// action that was read can be put back exactly.
struct SignalAction {
    SignalAction() noexcept {}  // raw stays undefined
    Disposition disposition = Disposition::by_default;
    void (*handler)(int) = nullptr;
    bool restart = true;   ///< SA_RESTART: the host's own slow calls go on.
    bool has_raw = false;  ///< Set by a read; a write with it puts back `raw` as it was.
    alignas(16) unsigned char raw[192];
};

enum class MaskChange : std::uint8_t { block, unblock, set };

/// Tells shared objects apart, also when one takes the name of another.
struct ObjectIdentity {
    std::uint64_t device = 0;
    std::uint64_t number = 0;
    friend constexpr bool operator==(const ObjectIdentity& a, const ObjectIdentity& b) noexcept {
        return a.device == b.device && a.number == b.number;
    }
};

/// An open message queue: what the system's mqd_t holds.
using Mq = std::intptr_t;
inline constexpr Mq kNoMq = -1;

/// Addresses for shared memory, whether or not there is memory at them.
struct Reservation {
    void* address = nullptr;
    std::size_t bytes = 0;
};

/// How a message queue stands.
struct MqState {
    std::size_t depth = 0;          ///< Messages it may hold.
    std::size_t message_bytes = 0;  ///< Bytes of its longest message.
    std::size_t count = 0;          ///< Messages in it.
};

/// What the caller may have of message queues; 0: the system does not tell, UINT64_MAX: no limit.
struct MqLimits {
    std::uint64_t depth = 0, message_bytes = 0, queues = 0, user_bytes = 0, priorities = 0;
};

/// An open named semaphore. Opened twice under one name, it has one address.
using Semaphore = void*;

struct PollItem {
    Fd fd = kNoFd;
    bool want_read = false, want_write = false;
    bool ready = false;  ///< Readable / writable as wanted, at its end, or broken.
};

/// How a socket shall listen.
struct ListenPlan {
    std::uint32_t backlog = 1;
    std::uint32_t mode = 0600;    ///< Of the file of a unix_path, whatever the umask.
    bool replaces_stale = false;  ///< Removes such a file if nobody listens there.
};

/// How many items poll() takes.
inline constexpr std::size_t kPollMax = 160;

/// A word in shared memory on which processes sleep. Of a kept bell (bell_keep) bits 0..29 name the
/// keeper; at its end the system clears them, sets bit 30 (kBellOwnerDied), and wakes a sleeper if
/// bit 31 (kBellWaiting) is set. Callers may set bits 30 and 31, and all bits of other bells.
/// Zeroed memory is a bell.
struct alignas(64) Bell {
    std::atomic<std::uint32_t> word;
    std::atomic<std::uint32_t> note;  ///< Beside the word, in its cache line: no port touches it.
    unsigned char port_private[56];
};
inline constexpr std::uint32_t kBellWaiting = 0x80000000u;
inline constexpr std::uint32_t kBellOwnerDied = 0x40000000u;

/// Sleepers of one bell may be of several kinds, a bit each, and a ring may call some of them only.
inline constexpr std::uint32_t kAnyKind = 0xffffffffu;
/// As a count: all that sleep.
inline constexpr std::uint32_t kEverybody = UINT32_MAX;

/// A word that a sleeper has looked at, and what it held then.
struct LookedAt {
    std::atomic<std::uint32_t>* word;
    std::uint32_t value;
};
inline constexpr std::size_t kLookedAtMax = 2;

/// How long a sleeper may sleep where its wake-up may be lost with a dead process.
inline constexpr std::int64_t kSliceNs = 250000000;

/// How many mutexes a sleeper can watch at once: see bell_wait_watching().
inline constexpr std::size_t kWatchedMax = 127;

/// A mutex between processes that notices the death of its holder.
struct alignas(64) RobustMutex {
    unsigned char port_private[64];
};

/// That a process lives, and by which number it can be killed.
struct alignas(64) ProofOfLife {
    unsigned char port_private[128];
};

}  // namespace brood::port

#endif
