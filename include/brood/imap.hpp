// Imap: the results of Pool::imap() and imap_unordered(), as IMapIterator of multiprocessing.pool.
#ifndef BROOD_IMAP_HPP
#define BROOD_IMAP_HPP

#include <cstddef>
#include <type_traits>
#include <utility>

#include <brood/detail/conveyor.hpp>
#include <brood/detail/source.hpp>

namespace brood {
inline namespace v0 {

/// One result after the other, of an input that is pulled only as results are taken:
/// `for (Result<unsigned> square : pool.imap(f, numbers)) ...`
///
/// Memory: 2 KiB, whatever the input's length; no more of the pool's table than its window. It may
///         outlive its pool, but not its input. It stays where it was made.
/// Fork:   belongs to the process that made it; elsewhere next() gives wrong_process.
/// Crash:  the elements of a chunk whose worker was killed each give worker_died; all others give
///         their results.
/// Threads: one at a time. The input is pulled by that thread, in next() and by the constructor.
template <class F, class Source>
class Imap {
    using T = typename Source::Item;
    using R = detail::CallResult<F, T>;
    using ChunkOf = detail::Chunk<F, T, R>;

public:
    /// A Result<R>; of a function without a result, a Status.
    using Item = std::conditional_t<std::is_void_v<R>, Status, Result<R>>;

    Imap(const Imap&) = delete;
    Imap& operator=(const Imap&) = delete;
    /// What is under way goes on and is forgotten.
    ~Imap() noexcept = default;

    /// Waits for the next result.
    /// Returns: it; the element's own error (worker_died, task_timed_out, unknown_function,
    ///          pool_broken, pool_terminated), after which others may follow; timed_out (it may be
    ///          called again); full (Futures or others hold the whole table; it may be called
    ///          again); wrong_process. When all were given: once, why the input ended early, which
    ///          is what the generator returned, or pool_closed, pool_broken, closed (moved from),
    ///          or bad_argument, task_too_large and the like of the options; then always
    ///          end_of_stream.
    Item next(Timeout timeout = Timeout::forever()) noexcept {
        const Status status = conveyor_.next(timeout, &fill, this);
        if constexpr (std::is_void_v<R>) {
            return status;
        } else {
            if (!status.ok()) { return status.error(); }
            alignas(R) unsigned char bytes[sizeof(R)];
            const void* const result =
                ChunkOf::result(conveyor_.core(), conveyor_.ticket(), conveyor_.index());
            __builtin_memcpy(bytes, result, sizeof(R));
            return *std::launder(reinterpret_cast<R*>(bytes));
        }
    }

    /// For a range-based for, which ends at end_of_stream. Use it once.
    struct End {};
    class Iterator {
    public:
        explicit Iterator(Imap& all) noexcept : all_(&all), item_(all.next()) {}
        Item& operator*() noexcept { return item_; }
        Iterator& operator++() noexcept {
            item_ = all_->next();
            return *this;
        }
        bool operator!=(End) const noexcept { return item_.code() != Errc::end_of_stream; }

    private:
        Imap* all_;
        Item item_;
    };
    Iterator begin() noexcept { return Iterator(*this); }
    End end() const noexcept { return {}; }

private:
    friend class PoolMaps;
    Imap(detail::PoolCore* core, F function, Source source, const MapOptions& options,
         bool in_order) noexcept
        : function_(function),
          source_(source),
          conveyor_(core, options, in_order, detail::chunk_shape<ChunkOf>()) {
        static_assert(alignof(ChunkOf) <= 16, "captures of a task may need an alignment of 16");
        if (conveyor_.core() != nullptr) { fill(this); }
    }

    /// Sends chunks as long as there are elements and room.
    static void fill(void* self) noexcept {
        Imap& all = *static_cast<Imap*>(self);
        if (all.conveyor_.has_ended()) { return; }
        detail::Ticket ticket;
        while (all.conveyor_.reserve(ticket)) {
            void* place = nullptr;
            detail::Trampoline run = nullptr;
            const Status placed = ChunkOf::place(all.conveyor_.core(), ticket,
                                                 all.conveyor_.chunk_items(), place, run);
            if (!placed.ok()) {
                all.conveyor_.not_placed(placed);
                break;
            }
            const std::uint32_t items = all.fill_chunk(place);
            if (items > 0) { ::new (place) ChunkOf{all.function_, items}; }
            all.conveyor_.send(ticket, items, run);
        }
        all.see_the_end();
    }
    /// A pool that was closed ends only an input that has more elements.
    void see_the_end() noexcept {
        if (!conveyor_.is_closed()) { return; }
        const auto forget = [](const T&) {};
        if (source_.pull(forget).code() == Errc::end_of_stream) { conveyor_.was_whole(); }
    }
    std::uint32_t fill_chunk(void* chunk) noexcept {
        unsigned char* place = ChunkOf::items(chunk);
        std::uint32_t items = 0;
        for (; items < conveyor_.chunk_items(); ++items, place += ChunkOf::item()) {
            const Status pulled = source_.pull([place](const T& item) {
                __builtin_memcpy(place, static_cast<const void*>(&item), sizeof(T));
            });
            if (pulled.ok()) { continue; }
            conveyor_.end(pulled);
            break;
        }
        return items;
    }

    F function_;
    Source source_;
    detail::Conveyor conveyor_;
};

}  // namespace v0
}  // namespace brood

#endif
