// The memory in which one object that processes share lies: pages of its own, or a part of memory
// that somebody else keeps (an arena). For each class X that can lie there, XAccess has
//
//   bytes(...)            how many bytes it takes, a multiple of kObjectAlign; or why there is no
//                         such X, as create() says it
//   lay_out(memory, ...)  makes one there; memory is aligned to kObjectAlign
//   view(memory)          a handle to it, an ordinary X, whose end releases what the caller holds
//                         by it, and unmaps nothing
//   is_idle(memory)       whether nobody holds it, or waits at it, as far as can be told
//
// A look is no lock: somebody may come after is_idle(). So memory of one that was idle is only ever
// given to another of the same class and shape, as Before::alike. Who still uses the former by an
// old handle then uses the new one, which may surprise people, but breaks no memory: its mutexes
// stay mutexes, also those that he holds.
#ifndef BROOD_SRC_OBJECT_MEMORY_HPP
#define BROOD_SRC_OBJECT_MEMORY_HPP

#include <cstddef>
#include <cstdint>

#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

inline constexpr std::size_t kObjectAlign = 64;

constexpr std::size_t whole_lines(std::size_t bytes) noexcept {
    return (bytes + kObjectAlign - 1) / kObjectAlign * kObjectAlign;
}

/// What is in memory in which an object is laid out.
enum class Before : std::uint8_t {
    zeroes,
    alike,  ///< One that was idle, of the same class, and the same in all that bytes() asks for.
};

/// Errors: no_memory.
inline Status make_mutex(port::RobustMutex& mutex, Before before) noexcept {
    if (before == Before::zeroes) { return port::mutex_init(mutex); }
    // Nobody hears of the death of a former holder. One who holds it has it in his list of mutexes:
    // to him it stays what it is.
    if (is_held(port::mutex_lock(mutex, 0))) { port::mutex_unlock(mutex).ignore(); }
    return Errc::ok;
}

/// Pages of its own for one object of `bytes`, laid out by lay_out(memory).
/// Errors: no_memory, no_space, too_many_files, and those of lay_out.
template <class LayOut>
Result<void*> make_object(std::size_t bytes, LayOut lay_out) noexcept {
    const Result<void*> memory = port::map_shared(bytes);
    if (!memory.ok()) { return memory; }
    const Status laid_out = lay_out(*memory);
    if (laid_out.ok()) { return memory; }
    port::unmap(*memory, bytes);
    return laid_out.error();
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
