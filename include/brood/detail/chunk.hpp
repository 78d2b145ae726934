// Several calls of one function, as the maps of a pool send them.
#ifndef BROOD_DETAIL_CHUNK_HPP
#define BROOD_DETAIL_CHUNK_HPP

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include <brood/detail/block.hpp>
#include <brood/detail/task.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// The arguments follow the header, item() apart. In a slot their results take their place; those
/// of a chunk in a block lie there one behind the other.
template <class F, class T, class R>
struct Chunk {
    F function;
    std::uint32_t count;

    static constexpr std::size_t header() noexcept { return to_16(sizeof(Chunk)); }
    static constexpr std::size_t item() noexcept {
        const std::size_t most = sizeof(T) > bytes_of<R>() ? sizeof(T) : bytes_of<R>();
        return (most + alignof(T) - 1) / alignof(T) * alignof(T);
    }
    /// Whether a slot may be too small for one element.
    static constexpr bool may_be_large() noexcept { return header() + item() > kInSlotBytes; }

    static unsigned char* items(void* place) noexcept {
        return static_cast<unsigned char*>(place) + header();
    }
    // Front to back: result i takes the place of argument i.
    static bool run(void* payload) {
        Chunk& chunk = *std::launder(static_cast<Chunk*>(payload));
        if (!is_known(chunk.function)) { return false; }
        unsigned char* place = items(payload);
        for (std::uint32_t i = 0; i < chunk.count; ++i, place += item()) {
            alignas(T) unsigned char bytes[sizeof(T)];
            __builtin_memcpy(bytes, place, sizeof(T));
            T& argument = *std::launder(reinterpret_cast<T*>(bytes));
            if constexpr (std::is_void_v<R>) {
                chunk.function(argument);
            } else {
                const R result = chunk.function(argument);
                __builtin_memcpy(place, &result, sizeof result);
            }
        }
        return true;
    }
    static bool run_block(void* payload) {
        using Argument = std::conditional_t<kOnlyReads<Bound<F, T>>, const T&, T>;
        const Block block = *std::launder(static_cast<Block*>(payload));
        Chunk& chunk = *std::launder(reinterpret_cast<Chunk*>(block.call));
        if (!is_known(chunk.function)) { return false; }
        unsigned char *place = items(block.call), *result = block.results;
        for (std::uint32_t i = 0; i < chunk.count; ++i, place += item()) {
            Argument argument = *std::launder(reinterpret_cast<T*>(place));
            if constexpr (std::is_void_v<R>) {
                chunk.function(argument);
            } else {
                ::new (result) R(chunk.function(argument));
                result += sizeof(R);
            }
        }
        return true;
    }

    /// A slot that was reserved for a chunk of so many elements: where it is to be made, and what
    /// runs it. Errors: as pool_add_block().
    static Status place(PoolCore* core, Ticket ticket, std::size_t elements, void*& at,
                        Trampoline& runs) noexcept {
        if constexpr (may_be_large()) {
            const std::uint64_t many = elements, bytes = header() + many * item();
            if (bytes > pool_payload_bytes(core)) {
                const Result<Block> block =
                    pool_add_block(core, ticket, many * bytes_of<R>(), bytes);
                if (!block.ok()) { return block.error(); }
                at = block->call;
                runs = &run_block;
                return Errc::ok;
            }
        }
        at = pool_payload(core, ticket);
        runs = &run;
        return Errc::ok;
    }
    /// The result of one of its elements, once it has ended.
    static const void* result(PoolCore* core, Ticket ticket, std::size_t index) noexcept {
        if constexpr (may_be_large()) {
            if (pool_has_block(core, ticket)) {
                return pool_results(core, ticket) + index * bytes_of<R>();
            }
        }
        return items(pool_payload(core, ticket)) + index * item();
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
