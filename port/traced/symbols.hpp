// The names of functions, out of the program's own file. For port/traced only.
#ifndef BROOD_PORT_TRACED_SYMBOLS_HPP
#define BROOD_PORT_TRACED_SYMBOLS_HPP

#include <cstddef>

namespace traced {

/// Maps the symbol table of this program. Without one (stripped) no function has a name.
void load_symbols() noexcept;

/// The name that the linker knows for the function at `address`; nullptr if it is unknown.
const char* symbol_of(const void* address) noexcept;

enum class Origin { brood, standard, user };
/// Whose function that is.
Origin origin_of(const char* symbol) noexcept;

/// As a reader writes it: "_ZN5brood2v05QueueIiE3putE..." is "Queue::put".
void short_name(const char* symbol, char* name, std::size_t bytes) noexcept;

}  // namespace traced

#endif
