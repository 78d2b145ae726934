// Which public call a process is in. For port/traced only.
//
// The core and the examples are compiled with -finstrument-functions: the compiler then calls a
// hook at the begin and the end of each function, inlined ones, too, with its address.
#ifndef BROOD_PORT_TRACED_STACK_HPP
#define BROOD_PORT_TRACED_STACK_HPP

#include <cstddef>

namespace traced {

inline constexpr std::size_t kNameBytes = 96;

/// "Queue::put", for the function of brood that the caller's own code called last; in a process of
/// the library's, such as a pool's worker, what that is: "worker". False: none.
bool public_call(char (&name)[kNameBytes]) noexcept;

/// In a fresh child: what follows is its own, no longer the call that forked it.
void forked() noexcept;

}  // namespace traced

#endif
