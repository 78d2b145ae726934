// What shared memory says of itself, if brood made it.
#ifndef BROOD_TOOLS_IPC_HEADER_HPP
#define BROOD_TOOLS_IPC_HEADER_HPP

#include <tools/ipc/thing.hpp>

namespace tool::ipc {

/// Fills in the maker, the creator and the content. `file` is open for reading.
void read_header(int file, Thing& thing) noexcept;

}  // namespace tool::ipc

#endif
