// The chunks of an imap() under way.
#include <brood/detail/conveyor.hpp>

#include <utility>

namespace brood {
inline namespace v0 {
namespace detail {

Conveyor::Conveyor(PoolCore* core, const MapOptions& options, bool in_order,
                   const ChunkShape& shape) noexcept
    : core_(core), in_order_(in_order) {
    const Status planned = plan_.make_lazy(core, options, shape);
    if (planned.ok()) {
        pool_attach(core);
    } else {
        core_ = nullptr;
        end(planned);
    }
}

Conveyor::~Conveyor() noexcept {
    if (core_ == nullptr) { return; }
    let_go();
    for (std::uint32_t i = 0; i < count_; ++i) { pool_drop(core_, sent_[i].ticket); }
    pool_detach(core_);
}

bool Conveyor::reserve(Ticket& ticket) noexcept {
    if (has_ended_ || count_ == plan_.window) { return false; }
    const Status reserved = pool_reserve(core_, ticket);
    if (!reserved.ok() && reserved.code() != Errc::full) { end(reserved); }
    if (reserved.ok()) { plan_.give(core_, ticket); }
    return reserved.ok();
}

void Conveyor::send(Ticket ticket, std::uint32_t items, Trampoline run) noexcept {
    if (items == 0) { return pool_unreserve(core_, ticket); }
    pool_publish(core_, ticket, run);
    sent_[count_++] = {ticket, items};
}

void Conveyor::end(Status why) noexcept {
    if (has_ended_) { return; }
    has_ended_ = true;
    end_ = why;
}

std::uint32_t Conveyor::first_ended() const noexcept {
    std::uint32_t index = 0;
    while (index < count_ && !pool_ended(core_, sent_[index].ticket)) { ++index; }
    return index;
}

bool Conveyor::any_ended(void* conveyor) noexcept {
    const Conveyor& self = *static_cast<Conveyor*>(conveyor);
    return self.first_ended() < self.count_;
}

/// Waits for a chunk: the oldest, or whichever is the first.
Status Conveyor::wait(Timeout timeout) noexcept {
    return in_order_ ? pool_wait(core_, sent_[0].ticket, timeout)
                     : pool_watch(core_, &any_ended, this, timeout);
}

void Conveyor::take(std::uint32_t index) noexcept {
    current_ = sent_[index];
    for (--count_; index < count_; ++index) { sent_[index] = sent_[index + 1]; }
    left_ = current_.items - 1;
    has_current_ = true;
}

void Conveyor::let_go() noexcept {
    if (has_current_) { pool_drop(core_, current_.ticket); }
    has_current_ = false;
}

/// What is said when there is nothing under way.
Status Conveyor::last_word() noexcept {
    if (!has_ended_) { return Errc::full; }
    return std::exchange(end_, Status(Errc::end_of_stream));
}

Status Conveyor::next(Timeout timeout, void (*fill)(void*), void* context) noexcept {
    if (left_ > 0) {
        --left_;
        return outcome_;
    }
    if (core_ != nullptr) {
        let_go();
        fill(context);
    }
    if (count_ == 0) { return last_word(); }
    const Status waited = wait(timeout);
    switch (waited.code()) {
        case Errc::ok: break;
        case Errc::timed_out:
        case Errc::timeout_negative:
        case Errc::timeout_overflow: return waited;
        case Errc::wrong_process:  // Nothing comes to this process: a loop must not go on for ever.
            count_ = 0;
            has_ended_ = true;
            end_ = Errc::end_of_stream;
            return waited;
        default: break;  // The chunk will never end.
    }
    take(waited.ok() && !in_order_ ? first_ended() : 0);
    outcome_ = waited.ok() ? pool_outcome(core_, current_.ticket) : waited;
    return outcome_;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
