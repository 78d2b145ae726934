// How a map is cut into chunks.
#include <brood/detail/map_plan.hpp>

#include "pool_core.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::uint32_t kChunksPerWorker = 4;
constexpr std::uint32_t kLazyWindowPerWorker = 8;
constexpr auto kWindowMax = static_cast<std::uint32_t>(MapOptions::kWindowMax);

/// Elements in a chunk of a map that was not told how many.
std::uint32_t fair_items(const PoolCore* core, const ChunkShape& shape,
                         std::size_t count) noexcept {
    const std::size_t payload = pool_payload_bytes(core);
    const std::size_t most = payload < shape.header ? 0 : (payload - shape.header) / shape.item;
    const std::size_t fit = most == 0 ? 1 : most;  // in a block
    const std::size_t shares = std::size_t{kChunksPerWorker} * pool_worker_count(core);
    const std::size_t fair = (count - 1) / shares + 1;
    return static_cast<std::uint32_t>(fair < fit ? fair : fit);
}

}  // namespace

// Chunks of one element are the smallest, and what a map without a size starts from.
Status MapPlan::make_lazy(const PoolCore* core, const MapOptions& options,
                          const ChunkShape& shape) noexcept {
    const Status usable = PoolCore::usable(core);
    if (!usable.ok()) { return usable; }
    if (!options.is_good_) { return Errc::bad_argument; }
    if (options.settle_ != nullptr) {
        const Errc acceptable = options.settle_(core, options.wishes_, settled);
        if (acceptable != Errc::ok) { return acceptable; }
        if (options.wishes_.room_ns != kWaitAsThePool) { return Errc::bad_argument; }
    }
    items = options.chunk_ == 0 ? 1 : options.chunk_;
    const std::uint64_t bytes = shape.header + std::uint64_t{items} * shape.item;
    if (bytes > pool_payload_bytes(core) && !shape.may_be_large) {
        return Error(Errc::task_too_large, 0, static_cast<std::int64_t>(bytes));
    }
    const std::uint32_t several = kLazyWindowPerWorker * pool_worker_count(core);
    window = options.window_ != 0 ? options.window_ : several < kWindowMax ? several : kWindowMax;
    return Errc::ok;
}

Status MapPlan::make(const PoolCore* core, const MapOptions& options, const ChunkShape& shape,
                     std::size_t count) noexcept {
    const Status made = make_lazy(core, options, shape);
    if (!made.ok()) { return made; }
    if (options.window_ == 0) { window = kWindowMax; }
    if (count == 0) { return Errc::ok; }
    if (options.chunk_ == 0) { items = fair_items(core, shape, count); }
    if (foresee_chunks != nullptr) { foresee_chunks(*core, count, items); }
    return Errc::ok;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
