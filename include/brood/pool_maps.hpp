// PoolMaps: what a Pool does with one function and many arguments.
#ifndef BROOD_POOL_MAPS_HPP
#define BROOD_POOL_MAPS_HPP

#include <cstddef>
#include <type_traits>
#include <utility>

#include <brood/detail/map_tasks.hpp>
#include <brood/detail/source.hpp>
#include <brood/detail/spread.hpp>
#include <brood/imap.hpp>
#include <brood/map_future.hpp>
#include <brood/map_options.hpp>

namespace brood {
inline namespace v0 {

/// The maps of a Pool, which is one: see there for memory, fork, crashes and threads.
class PoolMaps {
public:
    /// outputs[i] = f(inputs[i]) for all i, in chunks, several at a time; waits for all of them.
    /// Returns: ok; the first error (the other outputs are filled all the same; those of a chunk
    ///          whose worker died are left as they were); full, if Futures or other threads hold
    ///          the whole table; bad_argument, task_too_large, and what MapOptions::task() says.
    template <class F, class T, class R>
    Status map(F&& function, const T* inputs, R* outputs, std::size_t count,
               const MapOptions& options = MapOptions()) noexcept {
        return map(std::forward<F>(function), inputs, outputs, count, options,
                   [](std::size_t, std::size_t) {});
    }
    /// The same, and calls progress(done, total) in the host as chunks are collected.
    template <class F, class T, class R, class Progress>
    Status map(F&& function, const T* inputs, R* outputs, std::size_t count,
               const MapOptions& options, Progress&& progress) noexcept {
        detail::check_task<F, T>();
        return detail::map_tasks(core_, std::decay_t<F>(function), inputs, outputs, count, options,
                                 std::forward<Progress>(progress));
    }
    template <class F, class T, class R, class Progress,
              class = std::enable_if_t<std::is_invocable_v<Progress&, std::size_t, std::size_t>>>
    Status map(F&& function, const T* inputs, R* outputs, std::size_t count,
               Progress&& progress) noexcept {
        return map(std::forward<F>(function), inputs, outputs, count, MapOptions(),
                   std::forward<Progress>(progress));
    }
    template <class F, class T, class R, std::size_t N>
    Status map(F&& function, const T (&inputs)[N], R (&outputs)[N],
               const MapOptions& options = MapOptions()) noexcept {
        return map(std::forward<F>(function), static_cast<const T*>(inputs),
                   static_cast<R*>(outputs), N, options);
    }

    /// outputs[i] = f(a, b, ...) for the values a, b, ... of each inputs[i], a Pair or a Tuple;
    /// otherwise as map().
    template <class F, class T, class R>
    Status starmap(F&& function, const T* inputs, R* outputs, std::size_t count,
                   const MapOptions& options = MapOptions()) noexcept {
        return detail::map_tasks(core_, detail::spread<F, T>(std::forward<F>(function)), inputs,
                                 outputs, count, options, [](std::size_t, std::size_t) {});
    }
    template <class F, class T, class R, std::size_t N>
    Status starmap(F&& function, const T (&inputs)[N], R (&outputs)[N],
                   const MapOptions& options = MapOptions()) noexcept {
        return starmap(std::forward<F>(function), static_cast<const T*>(inputs),
                       static_cast<R*>(outputs), N, options);
    }

    /// As map(), but returns at once: see MapFuture. close() lets it go on to its end.
    /// Returns: its MapFuture; bad_argument, task_too_large, and what MapOptions::task() says;
    ///          pool_closed; closed (moved from); wrong_process. What comes later is told by get().
    template <class F, class T, class R>
    Result<MapFuture<R>> map_async(F&& function, const T* inputs, R* outputs, std::size_t count,
                                   const MapOptions& options = MapOptions()) noexcept {
        detail::check_task<F, T>();
        return begin_map(std::decay_t<F>(function), inputs, outputs, count, options);
    }
    template <class F, class T, class R, std::size_t N>
    Result<MapFuture<R>> map_async(F&& function, const T (&inputs)[N], R (&outputs)[N],
                                   const MapOptions& options = MapOptions()) noexcept {
        return map_async(std::forward<F>(function), static_cast<const T*>(inputs),
                         static_cast<R*>(outputs), N, options);
    }
    /// As starmap(), but returns at once, as map_async().
    template <class F, class T, class R>
    Result<MapFuture<R>> starmap_async(F&& function, const T* inputs, R* outputs, std::size_t count,
                                       const MapOptions& options = MapOptions()) noexcept {
        return begin_map(detail::spread<F, T>(std::forward<F>(function)), inputs, outputs, count,
                         options);
    }
    template <class F, class T, class R, std::size_t N>
    Result<MapFuture<R>> starmap_async(F&& function, const T (&inputs)[N], R (&outputs)[N],
                                       const MapOptions& options = MapOptions()) noexcept {
        return starmap_async(std::forward<F>(function), static_cast<const T*>(inputs),
                             static_cast<R*>(outputs), N, options);
    }

    /// The results of f for each element of `input`, in its order, as they are asked for; elements
    /// are pulled when there is room for them in the window. `input`: an array or a range that
    /// outlives this, or a generator, which is called with a T& and fills it. It returns a bool,
    /// false at the end, or a Status, end_of_stream at the end, and with any other error the input
    /// ends, too, which next() tells after all results. A generator with a name is not copied.
    /// Returns: an Imap, which is not to be moved: `auto results = pool.imap(f, input)`. What
    ///          cannot be is told by its first next().
    template <class F, class Input>
    auto imap(F&& function, Input&& input, const MapOptions& options = MapOptions()) noexcept {
        return pulled(std::forward<F>(function), detail::source_of(std::forward<Input>(input)),
                      options, true);
    }
    /// The same, and whichever result comes first is given first.
    template <class F, class Input>
    auto imap_unordered(F&& function, Input&& input,
                        const MapOptions& options = MapOptions()) noexcept {
        return pulled(std::forward<F>(function), detail::source_of(std::forward<Input>(input)),
                      options, false);
    }
    /// Both for a pair of iterators.
    template <class F, class I>
    auto imap(F&& function, I first, I last, const MapOptions& options = MapOptions()) noexcept {
        return pulled(std::forward<F>(function), detail::IteratorSource<I, I>{first, last}, options,
                      true);
    }
    template <class F, class I>
    auto imap_unordered(F&& function, I first, I last,
                        const MapOptions& options = MapOptions()) noexcept {
        return pulled(std::forward<F>(function), detail::IteratorSource<I, I>{first, last}, options,
                      false);
    }

protected:
    PoolMaps() noexcept = default;
    detail::PoolCore* core_ = nullptr;

private:
    template <class F, class T, class R>
    Result<MapFuture<R>> begin_map(F function, const T* inputs, R* outputs, std::size_t count,
                                   const MapOptions& options) noexcept {
        Result<MapFuture<R>> map{MapFuture<R>()};
        const Status started = map->start(core_, function, inputs, outputs, count, options);
        if (!started.ok()) { return started.error(); }
        return map;
    }
    template <class F, class Source>
    auto pulled(F&& function, Source source, const MapOptions& options, bool in_order) noexcept {
        detail::check_task<F, typename Source::Item>();
        return Imap<std::decay_t<F>, Source>(core_, std::forward<F>(function),
                                             std::forward<Source>(source), options, in_order);
    }
};

}  // namespace v0
}  // namespace brood

#endif
