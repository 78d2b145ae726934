// The order of a list's elements, and copies of them.
#include <utility>

#include "arena_list.hpp"
#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// Room for twice as many places as a list has, in memory of this process alone.
class Places {
public:
    /// Errors: no_memory.
    Status take(std::uint32_t count) noexcept {
        if (count <= ListTable::kMovedMax) { return Errc::ok; }
        bytes_ = std::size_t{count} * 2 * sizeof(Place);
        const Result<void*> memory = port::map_private(bytes_);
        if (memory.ok()) { all_ = static_cast<Place*>(*memory); }
        return memory.status();
    }
    Places() noexcept = default;
    Places(const Places&) = delete;
    Places& operator=(const Places&) = delete;
    ~Places() noexcept {
        if (all_ != few_) { port::unmap(all_, bytes_); }
    }
    Place* all() noexcept { return all_; }

private:
    Place few_[2 * ListTable::kMovedMax];
    Place* all_ = few_;
    std::size_t bytes_ = 0;
};

/// Sorts places by what lies there, and equal ones as they were.
class Sorter {
public:
    Sorter(const ListTable& table, const ListOrder& order) noexcept
        : table_(table), order_(order) {}

    /// `from` has `count` places, `spare` room for as many: where the sorted ones are.
    const Place* sort(Place* from, Place* spare, std::uint32_t count) const noexcept {
        for (std::uint64_t width = 1; width < count; width *= 2) {
            for (std::uint64_t begin = 0; begin < count; begin += 2 * width) {
                const std::uint64_t middle = begin + width < count ? begin + width : count;
                const std::uint64_t end = middle + width < count ? middle + width : count;
                merge(from + begin, from + middle, from + end, spare + begin);
            }
            std::swap(from, spare);
        }
        return from;
    }

private:
    bool is_less(Place a, Place b) const noexcept {
        return order_.is_less(order_.context, table_.bytes_at(a), table_.bytes_at(b));
    }
    void merge(const Place* left, const Place* middle, const Place* end, Place* to) const noexcept {
        const Place* right = middle;
        // In order already: as it often is.
        const bool is_sorted = right == end || !is_less(*right, right[-1]);
        while (!is_sorted && left != middle && right != end) {
            *to++ = is_less(*right, *left) ? *right++ : *left++;
        }
        while (left != middle) { *to++ = *left++; }
        while (right != end) { *to++ = *right++; }
    }

    const ListTable& table_;
    const ListOrder& order_;
};

/// The elements that a slice names: the first, and how many, `slice.step` apart.
struct Chosen {
    std::ptrdiff_t first, count;
};

Chosen chosen(const ListSlice& slice, std::ptrdiff_t count) noexcept {
    const bool is_down = slice.step < 0;
    const auto bound = [=](std::ptrdiff_t index) {
        if (index < 0) { index += count; }
        if (index < 0) { return is_down ? std::ptrdiff_t{-1} : std::ptrdiff_t{0}; }
        if (index >= count) { return is_down ? count - 1 : count; }
        return index;
    };
    const std::ptrdiff_t from = bound(slice.from), to = bound(slice.to);
    const std::ptrdiff_t span = is_down ? from - to : to - from;
    if (span <= 0) { return {0, 0}; }
    // The least there is has no positive counterpart.
    const std::ptrdiff_t step = slice.step < -PTRDIFF_MAX ? -PTRDIFF_MAX : slice.step;
    return {from, (span - 1) / (is_down ? -step : step) + 1};
}

/// Puts all elements into another order, in one step: the places as `make(table, view, places)`
/// has arranged them in the memory it is given, and says where there.
template <class Make>
Status rearrange(const ListHandle& list, const ObjectType& type, Timeout timeout,
                 Make&& make) noexcept {
    const HeldObject held(list, type, timeout);
    if (!held.status().ok()) { return held.status(); }
    ListTable table(held.arena(), held.entry());
    const Result<ListView> view = table.view();
    if (!view.ok()) { return view.status(); }
    const std::uint32_t count = view->count;
    if (count < 2) { return Errc::ok; }
    Places places;
    const Status taken = places.take(count);
    if (!taken.ok()) { return taken; }
    const Result<const Place*> order = make(table, *view, places.all());
    if (!order.ok()) { return order.status(); }
    ArenaStep step(held.arena(), held.deadline_ns());
    if (!step.status().ok()) { return step.status(); }
    const Status done = table.splice(step, 0, count, *order, count);
    return done.ok() ? step.commit() : done;
}

}  // namespace

Status ListHandle::reverse(const ObjectType& type, Timeout timeout) const noexcept {
    const auto make = [](const ListTable&, const ListView& view, Place* places) noexcept {
        for (std::uint32_t i = 0; i < view.count; ++i) {
            places[i] = load(view.all[view.count - 1 - i]);
        }
        return Result<const Place*>(places);
    };
    return rearrange(*this, type, timeout, make);
}

Status ListHandle::sort(const ObjectType& type, const ListOrder& order,
                        Timeout timeout) const noexcept {
    const auto make = [&](const ListTable& table, const ListView& view,
                          Place* places) noexcept -> Result<const Place*> {
        for (std::uint32_t i = 0; i < view.count; ++i) {
            places[i] = load(view.all[i]);
            if (table.bytes_at(places[i]).data == nullptr) { return Errc::corrupt; }
        }
        return Sorter(table, order).sort(places, places + view.count, view.count);
    };
    return rearrange(*this, type, timeout, make);
}

Result<ListCopy> ListHandle::copy(const ObjectType& type, const ListSlice& slice,
                                  Timeout timeout) const noexcept {
    const std::int64_t deadline_ns = quick_deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    if (slice.step == 0) { return Errc::bad_argument; }
    const HeldObject held(*this, type, deadline_ns);
    if (!held.status().ok()) { return held.status().error(); }
    const ListTable table(held.arena(), held.entry());
    const Result<ListView> view = table.view();
    if (!view.ok()) { return view.error(); }
    const Chosen which = chosen(slice, view->count);
    ListCopy copy;
    if (which.count == 0) { return copy; }
    copy.count_ = static_cast<std::size_t>(which.count);
    copy.bytes_ = copy.count_ * sizeof(std::size_t);
    for (std::ptrdiff_t i = 0; i < which.count; ++i) {
        const ListBytes found = table.bytes_at(load(view->all[which.first + i * slice.step]));
        if (found.data == nullptr) { return Errc::corrupt; }
        copy.bytes_ += found.bytes;
    }
    const Result<void*> memory = port::map_private(copy.bytes_);
    if (!memory.ok()) { return memory.error(); }
    copy.memory_ = static_cast<unsigned char*>(*memory);
    std::size_t end = copy.count_ * sizeof end;
    for (std::ptrdiff_t i = 0; i < which.count; ++i) {
        const ListBytes found = table.bytes_at(load(view->all[which.first + i * slice.step]));
        if (found.data == nullptr || found.bytes > copy.bytes_ - end) { return Errc::corrupt; }
        __builtin_memcpy(copy.memory_ + end, found.data, found.bytes);
        end += found.bytes;
        __builtin_memcpy(copy.memory_ + i * std::ptrdiff_t{sizeof end}, &end, sizeof end);
    }
    return copy;
}

ListCopy::ListCopy(ListCopy&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0u)),
      count_(std::exchange(other.count_, 0u)) {}

ListCopy& ListCopy::operator=(ListCopy&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
    std::swap(count_, other.count_);
    return *this;
}

ListCopy::~ListCopy() noexcept {
    if (memory_ != nullptr) { port::unmap(memory_, bytes_); }
}

ListBytes ListCopy::at(std::size_t index) const noexcept {
    std::size_t begin = count_ * sizeof begin, end = 0;
    if (index != 0) {
        __builtin_memcpy(&begin, memory_ + (index - 1) * sizeof begin, sizeof begin);
    }
    __builtin_memcpy(&end, memory_ + index * sizeof end, sizeof end);
    return {memory_ + begin, end - begin};
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
