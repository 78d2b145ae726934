// MapFuture<R>: a map that was begun, as multiprocessing.pool.MapResult.
#ifndef BROOD_MAP_FUTURE_HPP
#define BROOD_MAP_FUTURE_HPP

#include <cstddef>
#include <type_traits>
#include <utility>

#include <brood/detail/map_job.hpp>

namespace brood {
inline namespace v0 {

/// What Pool::map_async() and starmap_async() return: the inputs and outputs are the caller's and
/// stay where they are until it has ended or is destroyed. What the table has no room for yet is
/// sent later, by whichever thread waits in the pool: in get(), wait() or ready() of any of its
/// Futures, in Pool::poll() or Pool::join(). Destroying it lets the chunks that were sent go on and
/// forgets their results; the others are not sent.
///
/// Memory: some 350 bytes. It may outlive its pool.
/// Fork:   belongs to the process that made it; elsewhere its calls return wrong_process.
/// Crash:  a killed worker ends its chunk with worker_died: its outputs stay as they were.
/// Threads: one MapFuture belongs to one thread at a time, different ones are independent.
template <class R>
class MapFuture {
public:
    MapFuture() noexcept = default;
    MapFuture(MapFuture&& other) noexcept { detail::map_job_move(other.job_, job_); }
    MapFuture& operator=(MapFuture&& other) noexcept {
        if (this != &other) {
            detail::map_job_drop(job_);
            detail::map_job_move(other.job_, job_);
        }
        return *this;
    }
    ~MapFuture() noexcept { detail::map_job_drop(job_); }

    /// Waits until all outputs are there. It may be called again.
    /// Returns: ok; the first error, as Pool::map(); timed_out; full (Futures hold the whole table:
    ///          get() some); collected (it has no map); wrong_process; timeout_negative,
    ///          timeout_overflow.
    Status get(Timeout timeout = Timeout::forever()) noexcept {
        const Status waited = wait(timeout);
        return waited.ok() ? Status(job_.first_error) : waited;
    }
    /// Waits until it has ended, well or not: ok. Errors: as get(), without those of the elements.
    Status wait(Timeout timeout = Timeout::forever()) noexcept {
        return job_.core == nullptr ? Errc::collected : detail::map_job_wait(job_, timeout);
    }
    /// Whether get() would return at once with what came of it. False if there is no map.
    bool ready() noexcept { return wait(Timeout::no_wait()).ok(); }
    /// Whether all elements ended well; not_done while some may. Errors: collected; wrong_process.
    Result<bool> successful() noexcept {
        const Status waited = wait(Timeout::no_wait());
        if (waited.ok()) { return job_.first_error.code() == Errc::ok; }
        const bool is_late = waited.code() == Errc::timed_out || waited.code() == Errc::full;
        return is_late ? Errc::not_done : waited.code();
    }

    /// Has callback(outputs, count) called when all elements ended well, or error_callback(error)
    /// with the first error: see Future::then().
    template <class OnResult, class OnError = std::nullptr_t>
    MapFuture& then(OnResult callback, OnError error_callback = OnError()) noexcept {
        const Errc status =
            job_.core == nullptr
                ? Errc::collected
                : detail::map_job_follow(job_, detail::map_callback<R>(callback, error_callback));
        if (status != Errc::ok) {
            detail::CallbackPair<OnResult, OnError>{callback, error_callback}.failed(status);
        }
        return *this;
    }

private:
    friend class PoolMaps;
    friend class Waitable;
    detail::PoolCore* pool() const noexcept { return job_.core; }
    /// inputs[i] -> outputs[i], by chunks of F.
    template <class F, class T>
    Status start(detail::PoolCore* core, F function, const T* inputs, R* outputs, std::size_t count,
                 const MapOptions& options) noexcept {
        using ChunkOf = detail::Chunk<F, T, R>;
        static_assert(std::is_same_v<R, detail::CallResult<F, T>>,
                      "the outputs must have the type that the function returns");
        static_assert(ChunkOf::header() <= detail::kMapCallBytes && alignof(ChunkOf) <= 16,
                      "map_async() keeps no more than 64 bytes of captures: put them into an Array "
                      "made before the pool");
        if ((inputs == nullptr || outputs == nullptr) && count != 0) { return Errc::bad_argument; }
        job_.core = core;
        job_.inputs = reinterpret_cast<const unsigned char*>(inputs);
        job_.outputs = reinterpret_cast<unsigned char*>(outputs);
        job_.count = count;
        job_.input_bytes = sizeof(T);
        job_.output_bytes = sizeof(R);
        job_.shape = detail::chunk_shape<ChunkOf>();
        job_.run = &ChunkOf::run;
        if constexpr (ChunkOf::may_be_large()) {
            job_.run_block = &ChunkOf::run_block;
            job_.add_block = &detail::pool_add_block;
        }
        auto* const chunk = ::new (job_.header) ChunkOf{function, 0};
        job_.count_at = static_cast<std::uint32_t>(reinterpret_cast<unsigned char*>(&chunk->count) -
                                                   job_.header);
        return detail::map_job_start(job_, options);
    }
    detail::MapJob job_;
};

}  // namespace v0
}  // namespace brood

#endif
