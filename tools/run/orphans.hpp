// The jobs of a runner that was killed.
#ifndef BROOD_TOOLS_RUN_ORPHANS_HPP
#define BROOD_TOOLS_RUN_ORPHANS_HPP

#include <tools/run/runner.hpp>

namespace tool::run {

/// Before the runner starts: each job, and what that starts, has a mark of this run in its
/// environment.
void mark_environment() noexcept;

/// For the process above, when the runner was killed: kills the groups that the runner has noted,
/// and, where there is a /proc, those of which a process has the mark. So it finds a job that was
/// started and not yet noted. Whoever has made a session of his own is left alone, as ever.
void kill_orphans(const Groups& groups) noexcept;

}  // namespace tool::run

#endif
