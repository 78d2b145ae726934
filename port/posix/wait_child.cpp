// How a child stands, by waitid().
#include "wait_child.hpp"

#include <errno.h>

#include "errors.hpp"

namespace brood::port::detail {

Result<ChildState> wait_by(idtype_t type, int child, Reap how) noexcept {
    int options = WEXITED;
    if (how != Reap::wait) { options |= WNOHANG; }
    if (how == Reap::look) { options |= WNOWAIT; }

    siginfo_t info = {};  // Zeroed: si_pid stays 0 if WNOHANG finds the child still running.
    while (::waitid(type, static_cast<id_t>(child), &info, options) != 0) {
        if (errno != EINTR) { return last_error(); }
    }
    ChildState state;
    state.ended = info.si_pid != 0;
    if (state.ended) {
        // Some systems give all 32 bits of the exit code here: cut to what all of them give.
        state.exit_code = info.si_code == CLD_EXITED ? info.si_status & 0xff : -info.si_status;
    }
    return state;
}

}  // namespace brood::port::detail
