// A strong definition in place of the library's weak one; so the header that makes it weak is left
// out. `make storm` has this, too.
#include "pool_care.hpp"

#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

struct PoolCore;
[[noreturn]] void run_supervisor(PoolCore& core, port::Pid host) noexcept;
[[noreturn]] void supervise_with_care(PoolCore& core, port::Pid host) noexcept;
[[noreturn]] void run_careful_supervisor(PoolCore& core, port::Pid host) noexcept;

void run_careful_supervisor(PoolCore& core, port::Pid host) noexcept {
    if (crash::next_pool_is_careful) { supervise_with_care(core, host); }
    run_supervisor(core, host);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
