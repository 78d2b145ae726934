// The loop behind Pool::map(): chunks of arguments out, chunks of results in, a window between.
#ifndef BROOD_DETAIL_MAP_TASKS_HPP
#define BROOD_DETAIL_MAP_TASKS_HPP

#include <cstddef>
#include <cstdint>

#include <brood/detail/chunk.hpp>
#include <brood/detail/map_plan.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

template <class F, class T, class R>
class MapWindow {
    using ChunkOf = Chunk<F, T, CallResult<F, T>>;

public:
    MapWindow(PoolCore* core, F function, const T* inputs, R* outputs, std::size_t count,
              const MapPlan& plan) noexcept
        : core_(core),
          function_(function),
          inputs_(inputs),
          outputs_(outputs),
          count_(count),
          plan_(plan) {}

    bool all_sent() const noexcept { return sent_ == count_; }
    bool all_collected() const noexcept { return collected_ == sent_; }
    bool has_room() const noexcept { return tail_ - head_ < plan_.window; }
    std::size_t collected() const noexcept { return collected_; }

    Status send() noexcept {
        const std::size_t left = count_ - sent_;
        const std::size_t items = left < plan_.items ? left : plan_.items;
        Ticket ticket;
        void* place = nullptr;
        Trampoline run = nullptr;
        Status status = pool_reserve(core_, ticket);
        if (status.ok()) { status = ChunkOf::place(core_, ticket, items, place, run); }
        if (!status.ok()) { return status; }
        plan_.give(core_, ticket);
        ::new (place) ChunkOf{function_, static_cast<std::uint32_t>(items)};
        for (std::size_t i = 0; i < items; ++i) {
            __builtin_memcpy(ChunkOf::items(place) + i * ChunkOf::item(), &inputs_[sent_ + i],
                             sizeof(T));
        }
        pool_publish(core_, ticket, run);
        window_[tail_++ % kSentMax] = {ticket, static_cast<std::uint32_t>(items)};
        sent_ += items;
        return Errc::ok;
    }
    /// Waits for the oldest chunk and takes its results.
    Status collect() noexcept {
        const Sent oldest = window_[head_++ % kSentMax];
        const Status status = pool_collect(core_, oldest.ticket, Timeout::forever());
        if (status.ok()) {
            for (std::size_t i = 0; i < oldest.items; ++i) {
                __builtin_memcpy(static_cast<void*>(&outputs_[collected_ + i]),
                                 ChunkOf::result(core_, oldest.ticket, i), sizeof(R));
            }
        }
        collected_ += oldest.items;
        pool_drop(core_, oldest.ticket);
        return status;
    }

private:
    struct Sent {
        Ticket ticket;
        std::uint32_t items;
    };
    static constexpr std::size_t kSentMax = MapOptions::kWindowMax;  // 2 KiB of stack
    PoolCore* core_;
    F function_;
    const T* inputs_;
    R* outputs_;
    std::size_t count_, sent_ = 0, collected_ = 0;
    MapPlan plan_;
    std::uint32_t head_ = 0, tail_ = 0;
    Sent window_[kSentMax];
};

template <class F, class T, class R, class Progress>
Status map_tasks(PoolCore* core, F function, const T* inputs, R* outputs, std::size_t count,
                 const MapOptions& options, Progress&& progress) noexcept {
    static_assert(std::is_same_v<R, CallResult<F, T>>,
                  "the outputs must have the type that the function returns");
    using ChunkOf = Chunk<F, T, R>;
    static_assert(alignof(ChunkOf) <= 16, "captures of a task may need an alignment of 16");
    if ((inputs == nullptr || outputs == nullptr) && count != 0) { return Errc::bad_argument; }
    MapPlan plan;
    const Status planned = plan.make(core, options, chunk_shape<ChunkOf>(), count);
    if (!planned.ok()) { return planned; }
    MapWindow<F, T, R> window(core, function, inputs, outputs, count, plan);
    Status first_error;
    while (!window.all_sent() || !window.all_collected()) {
        if (!window.all_sent() && window.has_room()) {
            const Status sent = window.send();
            if (sent.ok()) { continue; }
            // The table is full of this map's own chunks: collect one. Anything else ends it.
            if (sent.code() != Errc::full || window.all_collected()) {
                while (!window.all_collected()) { window.collect().ignore(); }
                return first_error.ok() ? sent : first_error;
            }
        }
        const Status collected = window.collect();
        if (first_error.ok()) { first_error = collected; }
        progress(window.collected(), count);
    }
    return first_error;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
