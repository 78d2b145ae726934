// A process's hold on a ring: making it, leaving it, and what concerns all of it.
#include <brood/detail/ring_handle.hpp>

#include <utility>

#include "join_book.hpp"
#include "named_ring.hpp"
#include "ring.hpp"
#include "ring_memory.hpp"
#include "ring_wait.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

Result<RingHandle> RingHandle::make(std::size_t message_bytes, std::size_t most) noexcept {
    const Result<MemberTable*> table = family();
    if (!table.ok()) { return table.error(); }
    RingHandle handle;
    const Result<Ring*> ring = make_ring({message_bytes, most}, handle.bytes_);
    if (!ring.ok()) { return ring.error(); }
    handle.ring_ = *ring;
    handle.shape_ = &(*ring)->shape;
    handle.table_ = *table;
    (*ring)->object = (*table)->number_object(MemberTable::kFamily);
    return handle;
}

RingHandle::RingHandle(RingHandle&& other) noexcept {
    *this = std::move(other);
}

RingHandle& RingHandle::operator=(RingHandle&& other) noexcept {
    if (this == &other) { return *this; }
    if (ring_ != nullptr) { release(); }
    ring_ = std::exchange(other.ring_, nullptr);
    shape_ = std::exchange(other.shape_, nullptr);
    table_ = std::exchange(other.table_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0u);
    extras_ = std::exchange(other.extras_, RingExtras());
    closed_ = other.closed_;
    return *this;
}

RingHandle::~RingHandle() noexcept {
    if (ring_ != nullptr) { release(); }
}

void RingHandle::release() noexcept {
    leave();
    if (bytes_ != 0) { port::unmap(ring_, bytes_); }
    if (extras_.named != nullptr) { extras_.named->end(*extras_.named); }
}

std::size_t RingHandle::size() const noexcept {
    if (ring_ == nullptr) { return 0; }
    // In this order, so that it is never below 0.
    const std::uint32_t got = ring_->get.index.load(std::memory_order_acquire);
    const std::uint32_t count = ring_->put.index.load(std::memory_order_acquire) - got;
    return count < shape_->bound() ? count : shape_->bound();
}

std::size_t RingHandle::most() const noexcept {
    return ring_ == nullptr || shape_->grows() ? 0 : shape_->bound();
}

Status RingHandle::shutdown(Shutdown how) noexcept {
    if (ring_ == nullptr) { return Errc::closed; }
    // Who is killed in here owes a ring to getters and putters: joiners must watch him.
    if (extras_.book != nullptr) {
        const Status watched = take_part();
        if (!watched.ok()) { return watched; }
    }
    const auto wanted =
        static_cast<std::uint32_t>(how == Shutdown::now ? RingState::shut : RingState::draining);
    port::owe_ring(ring_->bell);
    std::uint32_t seen = ring_->bell.note.load(std::memory_order_relaxed);
    while (seen < wanted && !ring_->bell.note.compare_exchange_weak(seen, wanted)) {}
    // If killed here: the system wakes one, who finds the state and wakes the others.
    ring_all(*ring_);
    if (extras_.book != nullptr) { extras_.book->ring_joiners(); }
    port::owe_nothing();
    return Errc::ok;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
