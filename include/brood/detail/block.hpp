// Tasks that are larger than their slots: arguments and results in blocks of shared memory.
#ifndef BROOD_DETAIL_BLOCK_HPP
#define BROOD_DETAIL_BLOCK_HPP

#include <cstddef>
#include <cstdint>

#include <brood/detail/parameters.hpp>
#include <brood/detail/task.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// What every slot takes: a program none of whose tasks is larger links no blocks.
inline constexpr std::size_t kInSlotBytes = 48;

/// The call f(a...) as it travels.
template <class F, class Indices, class... A>
struct CallOf;
template <class F, std::size_t... I, class... A>
struct CallOf<F, std::index_sequence<I...>, A...> {
    using Call = Bound<std::decay_t<F>, typename Traveller<F, I, A>::Type...>;
    using R = CallResult<F, typename Traveller<F, I, A>::Type...>;
    using Packer = PackAs<typename Traveller<F, I, A>::Type...>;
    static constexpr void check() noexcept {
        check_task<F, typename Traveller<F, I, A>::Type...>();
        static_assert(alignof(Call) <= 16, "arguments of a task may need an alignment of 16");
    }
};
template <class F, class... A>
using CallFor = CallOf<F, std::index_sequence_for<A...>, A...>;

/// What the slot of a task with a block holds while it waits and runs. The results lie apart from
/// the arguments, so a worker that is killed in the middle leaves those as they were.
struct Block {
    unsigned char* results;
    unsigned char* call;
};
template <class Bytes>
constexpr Bytes to_16(Bytes bytes) noexcept {
    return (bytes + 15) / 16 * 16;
}

// The byte core (src/pool_blocks.cpp). A program that refers to it has pools with blocks.
/// Gives the slot, which was reserved, a block. On failure the slot is given back.
/// Returns: it; full (others hold the memory now); task_too_large (detail: the bytes that it
/// needs); no_memory, no_space (of the system).
Result<Block> pool_add_block(PoolCore* core, Ticket ticket, std::uint64_t result_bytes,
                             std::uint64_t call_bytes) noexcept;
/// The same, but waits so long while others hold the memory. Also timed_out, in place of full;
/// pool_closed, and how the pool ended.
Result<Block> pool_add_block_patiently(PoolCore* core, Ticket ticket, std::uint64_t result_bytes,
                                       std::uint64_t call_bytes, std::int64_t room_ns) noexcept;
/// Where its results are: in its block if it has one, or in its slot.
unsigned char* pool_results(PoolCore* core, Ticket ticket) noexcept;
/// Whether it has one.
bool pool_has_block(PoolCore* core, Ticket ticket) noexcept;

/// Where the result of an ended task is.
template <class R>
const void* result_of(PoolCore* core, Ticket ticket) noexcept {
    if constexpr (bytes_of<R>() > kInSlotBytes) {
        return pool_results(core, ticket);
    } else {
        return pool_payload(core, ticket);
    }
}

/// Whether its arguments can stay where they are while it runs: it does not change them.
template <class B>
inline constexpr bool kOnlyReads = false;
template <class F, class... A>
inline constexpr bool kOnlyReads<Bound<F, A...>> =
    !std::is_same_v<typename ParametersOf<F>::Types, TypeList<>> &&
    std::is_invocable_v<const F&, const A&...>;

/// As run_call(), of a task with a block. A small result goes into the slot.
template <class B, class R>
bool run_block(void* payload) {
    using Call = std::conditional_t<kOnlyReads<B>, const B&, B>;  // a copy may not fit on the stack
    const Block block = *std::launder(static_cast<Block*>(payload));
    Call call = *std::launder(reinterpret_cast<B*>(block.call));
    if (!is_known(call.function)) { return false; }
    if constexpr (std::is_void_v<R>) {
        call();
    } else {
        ::new (sizeof(R) > kInSlotBytes ? block.results : payload) R(call());
    }
    return true;
}

/// A slot that was reserved for a call B that returns R: where the call is to be made, and what
/// runs it.
template <class B, class R>
Status place_call(PoolCore* core, Ticket ticket, std::int64_t room_ns, void*& place,
                  Trampoline& run) noexcept {
    constexpr std::size_t kMost = sizeof(B) > bytes_of<R>() ? sizeof(B) : bytes_of<R>();
    if constexpr (kMost > kInSlotBytes) {
        if (kMost > pool_payload_bytes(core)) {
            constexpr std::size_t kResult = bytes_of<R>() > kInSlotBytes ? bytes_of<R>() : 0;
            const Result<Block> block =
                pool_add_block_patiently(core, ticket, kResult, sizeof(B), room_ns);
            if (!block.ok()) { return block.error(); }
            place = block->call;
            run = &run_block<B, R>;
            return Errc::ok;
        }
    }
    place = pool_payload(core, ticket);
    run = &run_call<B, R>;
    return Errc::ok;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
