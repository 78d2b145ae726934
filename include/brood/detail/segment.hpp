// Segment: shared memory with a header, a lock and elements. Value<T> and Array<T> are its shells.
#ifndef BROOD_DETAIL_SEGMENT_HPP
#define BROOD_DETAIL_SEGMENT_HPP

#include <cstddef>
#include <cstdint>

#include <brood/lock.hpp>
#include <brood/result.hpp>
#include <brood/shared_memory.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// `pool` is no segment of values, but begins as one: src/pool_board.hpp.
enum class SegmentKind : std::uint16_t { value = 1, array = 2, queue = 3, pool = 4, manager = 5 };

/// What the elements of a segment are. Checked when it is opened by name.
struct SegmentType {
    SegmentKind kind;
    std::uint32_t element_bytes;
    std::uint64_t count;  ///< For open(): the least count asked for; 0: any. Of a queue: maxsize.
};

/// The layout (version 1) is described in src/segment_layout.hpp: a 64-byte header whose magic is
/// published last, the lock at byte 64, the elements at byte 128.
class Segment {
public:
    static Result<Segment> anonymous(const SegmentType& type) noexcept;
    /// `initial` (null: zeroes) fills the elements before anybody can open it.
    static Result<Segment> create(const char* name, const SegmentType& type, Access access,
                                  const void* initial = nullptr) noexcept;
    /// The same; lay_out(elements, type) makes of zeroes what shall stand there.
    using LayOut = Status (*)(void* elements, const SegmentType& type);
    static Result<Segment> create(const char* name, const SegmentType& type, Access access,
                                  LayOut lay_out) noexcept;
    /// Waits until `timeout` for a creator that is not done, then not_ready. A creator that was
    /// killed is not waited for.
    static Result<Segment> open(const char* name, const SegmentType& type,
                                Timeout timeout) noexcept;

    /// All of `memory`, which has no header and no lock, as whole elements. Errors: size_zero (not
    /// one); closed (it has no bytes).
    static Result<Segment> bare(SharedMemory&& memory, std::size_t element_bytes) noexcept;

    Segment() noexcept = default;
    Segment(Segment&& other) noexcept;
    Segment& operator=(Segment&& other) noexcept;
    ~Segment() noexcept = default;

    void* elements() const noexcept { return elements_; }
    std::size_t count() const noexcept { return count_; }
    Lock& lock() noexcept { return lock_; }
    const char* name() const noexcept { return memory_.name(); }
    void keep_name() noexcept { memory_.keep_name(); }
    /// The end of this object will leave it mapped, and remove the name as ever.
    void keep_mapped() noexcept;

private:
    friend struct SegmentAccess;  // in memory of others: src/segment_access.hpp
    static Result<Segment> make(const char* name, const SegmentType& type, Access access,
                                const void* initial, LayOut lay_out) noexcept;
    Segment(SharedMemory&& memory, std::size_t count) noexcept;
    Segment(void* base, std::size_t count) noexcept;
    SharedMemory memory_;  // none, if it is another's
    Lock lock_;            // inside memory_, so it must go first; none, if that is bare
    void* elements_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
