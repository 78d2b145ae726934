// The chunks of an imap(): a bounded number of them under way, one at a time in hand.
#ifndef BROOD_DETAIL_CONVEYOR_HPP
#define BROOD_DETAIL_CONVEYOR_HPP

#include <cstddef>
#include <cstdint>

#include <brood/detail/map_plan.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// The byte side of Imap (src/conveyor.cpp). Threads: as Imap.
class Conveyor {
public:
    Conveyor(PoolCore* core, const MapOptions& options, bool in_order,
             const ChunkShape& shape) noexcept;
    Conveyor(const Conveyor&) = delete;
    Conveyor& operator=(const Conveyor&) = delete;
    ~Conveyor() noexcept;

    PoolCore* core() const noexcept { return core_; }
    /// How many elements a chunk has, but for the last.
    std::uint32_t chunk_items() const noexcept { return plan_.items; }
    /// Whether another chunk may go: then the caller places and fills it, and calls send().
    bool reserve(Ticket& ticket) noexcept;
    /// It had no place, and its slot was given back.
    void not_placed(const Status& why) noexcept {
        if (why.code() != Errc::full) { end(why); }
    }
    /// The chunk goes, with so many elements. None: it does not.
    void send(Ticket ticket, std::uint32_t items, Trampoline run) noexcept;
    /// No more chunks: `why` is told once all that are under way were told. The first call counts.
    void end(Status why) noexcept;
    bool has_ended() const noexcept { return has_ended_; }
    /// Whether it ended since the pool was closed; and then, that there was no more to send.
    bool is_closed() const noexcept { return end_.code() == Errc::pool_closed; }
    void was_whole() noexcept { end_ = Errc::end_of_stream; }

    /// Takes the next element in hand, calling fill(context) before it waits for a chunk.
    /// Returns: ok; how the element's chunk ended; timed_out; full (others hold the whole table);
    ///          wrong_process; once, why the input ended; end_of_stream.
    Status next(Timeout timeout, void (*fill)(void*), void* context) noexcept;
    /// Its chunk, and which element of that it is. After ok, until the next call.
    Ticket ticket() const noexcept { return current_.ticket; }
    std::uint32_t index() const noexcept { return current_.items - left_ - 1; }

private:
    struct Sent {
        Ticket ticket;
        std::uint32_t items;
    };
    static bool any_ended(void* conveyor) noexcept;
    std::uint32_t first_ended() const noexcept;
    Status wait(Timeout timeout) noexcept;
    void take(std::uint32_t index) noexcept;
    void let_go() noexcept;
    Status last_word() noexcept;

    PoolCore* core_;
    MapPlan plan_;
    Status end_;              // why no more chunks go
    Status outcome_;          // of the chunk in hand
    Sent current_{};          // in hand, while has_current_
    std::uint32_t left_ = 0;  // of its elements
    std::uint32_t count_ = 0;
    bool in_order_, has_current_ = false, has_ended_ = false;
    Sent sent_[MapOptions::kWindowMax];  // the oldest first
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
