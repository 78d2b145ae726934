// Elements in shared memory that is nothing else: no header, no lock.
#include <brood/detail/segment.hpp>

#include <utility>

namespace brood {
inline namespace v0 {
namespace detail {

Result<Segment> Segment::bare(SharedMemory&& memory, std::size_t element_bytes) noexcept {
    if (memory.data() == nullptr) { return Errc::closed; }
    if (memory.size() < element_bytes) { return Errc::size_zero; }
    Segment segment;
    segment.memory_ = std::move(memory);
    segment.elements_ = segment.memory_.data();
    segment.count_ = segment.memory_.size() / element_bytes;
    return segment;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
