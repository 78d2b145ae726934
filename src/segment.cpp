#include <brood/detail/segment.hpp>

#include <new>
#include <utility>

#include "deadline.hpp"
#include "lock_access.hpp"
#include "named_object.hpp"
#include "names.hpp"
#include "segment_access.hpp"
#include "segment_layout.hpp"
#include "shared_memory_access.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::int64_t kFirstPollNs = 50000;
constexpr std::int64_t kLongestPollNs = 20000000;
// Even a caller that does not wait gives other threads of its process this long to get out of the
// way, preempted as they may be: they are no reason to call a segment not ready.
constexpr std::int64_t kOtherThreadsNs = 100000000;

unsigned char* bytes_at(void* base, std::size_t offset) noexcept {
    return static_cast<unsigned char*>(base) + offset;
}

port::RobustMutex& mutex_in(void* base) noexcept {
    return *reinterpret_cast<port::RobustMutex*>(bytes_at(base, kLockOffset));
}

// Lays out `total` zeroed bytes at `base`, the magic last.
Status fill(void* base, const SegmentType& type, std::size_t total, const void* initial,
            Segment::LayOut lay_out, Before before = Before::zeroes) noexcept {
    auto* const header = static_cast<SegmentHeader*>(base);
    header->layout_version = kLayoutVersion;
    header->kind = static_cast<std::uint16_t>(type.kind);
    header->element_bytes = type.element_bytes;
    header->header_bytes = kElementsOffset;
    header->count = type.count;
    header->total_bytes = total;
    header->mutex_layout = port::mutex_layout();
    header->creator_pid = port::process_id();
    const Status lock = make_mutex(mutex_in(base), before);
    if (!lock.ok()) { return lock; }
    if (initial != nullptr) {
        __builtin_memcpy(bytes_at(base, kElementsOffset), initial, total - kElementsOffset);
    } else if (before == Before::alike) {
        __builtin_memset(bytes_at(base, kElementsOffset), 0, total - kElementsOffset);
    }
    if (lay_out != nullptr) {
        const Status laid_out = lay_out(bytes_at(base, kElementsOffset), type);
        if (!laid_out.ok()) { return laid_out; }
    }
    // If killed here: openers say not_ready, and the next creator removes it.
    header->magic.store(kMagicReady, std::memory_order_release);
    return Errc::ok;
}

// Makes the segment in a claimed object. Returns: where it is mapped.
Result<void*> build(const Claim& claim, const SegmentType& type, std::size_t total,
                    const void* initial, Segment::LayOut lay_out) noexcept {
    const Status marked = mark_unfinished(claim);
    if (!marked.ok()) { return marked.error(); }
    const Status allocated = port::allocate_object(claim.object, total);
    if (!allocated.ok()) { return allocated.error(); }
    const Result<void*> base = port::map_object(claim.object, total, true);
    if (!base.ok()) { return base.error(); }
    const Status filled = fill(*base, type, total, initial, lay_out);
    if (filled.ok()) { return base; }
    port::unmap(*base, total);
    return filled.error();
}

// Reads the header of a published segment. Returns: the bytes to map, or why it cannot be used.
Result<std::size_t> checked_bytes(port::Fd object, const SegmentType& type,
                                  std::uint64_t& count) noexcept {
    const Result<std::uint64_t> bytes = port::object_bytes(object);
    if (!bytes.ok()) { return bytes.error(); }
    if (*bytes < kElementsOffset) { return Errc::not_ready; }
    const Result<void*> page = port::map_object(object, kElementsOffset, false);
    if (!page.ok()) { return page.error(); }
    const auto* const header = static_cast<const SegmentHeader*>(*page);
    const std::uint32_t magic = header->magic.load(std::memory_order_acquire);
    const SegmentFields fields = read_fields(*header);
    port::unmap(*page, kElementsOffset);
    if (magic == 0 || magic == kMagicMaking) { return Errc::not_ready; }
    if (magic != kMagicReady) { return Errc::corrupt; }
    const Errc verdict = check_fields(fields, *bytes, type);
    if (verdict != Errc::ok) { return verdict; }
    count = fields.count;
    return static_cast<std::size_t>(fields.total_bytes);
}

struct Look {
    Result<SharedMemory> memory = Errc::not_ready;
    std::uint64_t count = 0;
    Stage stage = Stage::done;  // if not_ready: whether there is somebody to wait for
};

// Opens what the name stands for at this moment.
Look look_at(const char* name, const SegmentType& type) noexcept {
    Look look;
    const Result<port::Fd> object = port::open_object(name, true);
    if (!object.ok()) {
        look.memory = object.error();
        return look;
    }
    look.stage = stage_of(*object);
    if (look.stage == Stage::done) {
        const Result<std::size_t> bytes = checked_bytes(*object, type, look.count);
        const Result<void*> base = bytes.ok() ? port::map_object(*object, *bytes, true)
                                              : Result<void*>(bytes.error());
        look.memory = base.ok()
                          ? Result<SharedMemory>(SharedMemoryAccess::opened(*base, *bytes, name))
                          : Result<SharedMemory>(base.error());
    }
    port::close(*object);
    return look;
}

}  // namespace

Result<Segment> Segment::anonymous(const SegmentType& type) noexcept {
    const Result<std::size_t> total = segment_bytes(type);
    if (!total.ok()) { return total.error(); }
    Result<SharedMemory> memory = SharedMemory::anonymous(*total);
    if (!memory.ok()) { return memory.error(); }
    const Status filled = fill(memory->data(), type, *total, nullptr, nullptr);
    if (!filled.ok()) { return filled.error(); }
    return Segment(std::move(*memory), static_cast<std::size_t>(type.count));
}

Result<Segment> Segment::create(const char* name, const SegmentType& type, Access access,
                                const void* initial) noexcept {
    return make(name, type, access, initial, nullptr);
}

Result<Segment> Segment::create(const char* name, const SegmentType& type, Access access,
                                LayOut lay_out) noexcept {
    return make(name, type, access, nullptr, lay_out);
}

Result<Segment> Segment::make(const char* name, const SegmentType& type, Access access,
                              const void* initial, LayOut lay_out) noexcept {
    const Result<std::size_t> total = segment_bytes(type);
    const Status checks[] = {check_name(name), total.status(), check_access(access)};
    for (const Status& check : checks) {
        if (!check.ok()) { return check.error(); }
    }
    const ObjectGuard guard(port::kNever);
    if (!guard.status().ok()) { return guard.status().error(); }
    const Result<Claim> claim = claim_name(name, static_cast<std::uint32_t>(access));
    if (!claim.ok()) { return claim.error(); }
    const Result<void*> base = build(*claim, type, *total, initial, lay_out);
    if (!base.ok()) {
        abandon(name, *claim);
        return base.error();
    }
    settle(*claim);
    return Segment(SharedMemoryAccess::created(*base, *total, name, claim->identity),
                   static_cast<std::size_t>(type.count));
}

Result<Segment> Segment::open(const char* name, const SegmentType& type, Timeout timeout) noexcept {
    const Status check = check_name(name);
    if (!check.ok()) { return check.error(); }
    std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    bool sizeless_before = false;
    for (std::int64_t poll_ns = kFirstPollNs;; poll_ns *= 2) {
        const std::int64_t now_ns = port::now_ns();
        const std::int64_t patience_ns = now_ns + kOtherThreadsNs;
        Look look;
        {
            const ObjectGuard guard(deadline_ns < patience_ns ? patience_ns : deadline_ns);
            if (guard.status().code() == Errc::timed_out) { return Errc::not_ready; }
            if (!guard.status().ok()) { return guard.status().error(); }
            look = look_at(name, type);
        }
        if (look.memory.ok()) {
            return Segment(std::move(*look.memory), static_cast<std::size_t>(look.count));
        }
        const bool unfinished = look.stage == Stage::busy || look.stage == Stage::sizeless;
        if (!unfinished || now_ns >= deadline_ns) { return look.memory.error(); }
        if (look.stage == Stage::sizeless && !sizeless_before) {
            sizeless_before = true;
            deadline_ns = slice_of(deadline_ns, kSizelessNs);
        }
        if (poll_ns > kLongestPollNs) { poll_ns = kLongestPollNs; }
        port::sleep_until(slice_of(deadline_ns, poll_ns));
    }
}

Segment::Segment(void* base, std::size_t count) noexcept
    : lock_(LockAccess::view(mutex_in(base))),
      elements_(bytes_at(base, kElementsOffset)),
      count_(count) {}

Segment::Segment(SharedMemory&& memory, std::size_t count) noexcept
    : Segment(memory.data(), count) {
    memory_ = std::move(memory);
}

Segment::Segment(Segment&& other) noexcept
    : memory_(std::move(other.memory_)),
      lock_(std::move(other.lock_)),
      elements_(std::exchange(other.elements_, nullptr)),
      count_(std::exchange(other.count_, 0)) {}

void Segment::keep_mapped() noexcept {
    SharedMemoryAccess::keep_mapped(memory_);
}

Segment& Segment::operator=(Segment&& other) noexcept {
    if (this == &other) { return *this; }
    lock_ = std::move(other.lock_);  // Before the memory in which the old one lies goes.
    memory_ = std::move(other.memory_);
    elements_ = std::exchange(other.elements_, nullptr);
    count_ = std::exchange(other.count_, 0);
    return *this;
}

// ---- In memory of others -----------------------------------------------------------------------

Result<std::size_t> SegmentAccess::bytes(const SegmentType& type) noexcept {
    const Result<std::size_t> total = segment_bytes(type);
    return total.ok() ? Result<std::size_t>(whole_lines(*total)) : total;
}

Status SegmentAccess::lay_out(void* memory, const SegmentType& type, const void* initial,
                              Before before) noexcept {
    const Result<std::size_t> total = segment_bytes(type);
    if (!total.ok()) { return total.status(); }
    return fill(memory, type, *total, initial, nullptr, before);
}

Segment SegmentAccess::view(void* memory) noexcept {
    const auto& header = *static_cast<const SegmentHeader*>(memory);
    return Segment(memory, static_cast<std::size_t>(header.count));
}

bool SegmentAccess::is_idle(void* memory) noexcept {
    return LockAccess::is_idle(&mutex_in(memory));
}

bool SegmentAccess::fits(void* memory, std::size_t bytes, const SegmentType& type) noexcept {
    if (bytes < kElementsOffset) { return false; }
    const auto& header = *static_cast<const SegmentHeader*>(memory);
    return check_fields(read_fields(header), bytes, type) == Errc::ok;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
