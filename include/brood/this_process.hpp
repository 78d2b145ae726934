// The process that asks: its id, its name, its parent, its end.
#ifndef BROOD_THIS_PROCESS_HPP
#define BROOD_THIS_PROCESS_HPP

#include <cstdint>

#include <brood/result.hpp>
#include <brood/text.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {

/// 32 random bytes that prove to a connection that its peer belongs to the same family.
/// Kept in each process, inherited by its children.
using AuthKey = Bytes<32>;

namespace this_process {

/// Callers: anybody, a signal handler too (id, parent_id).
std::int32_t id() noexcept;
std::int32_t parent_id() noexcept;

/// "MainProcess", or the name of the Process that runs here: "Process-1:2" if none was given.
const char* name() noexcept;
/// The name of the brood process that started this one; null in the main process.
const char* parent_name() noexcept;
/// The pid of the brood process that started this one, 0 in the main process; unlike parent_id()
/// it does not change when the parent ends.
std::int32_t parent_process() noexcept;
bool is_daemon() noexcept;

/// Ends this process as Python's sys.exit(): terminates its daemons, joins its other children,
/// flushes stdout and stderr, writes `text` and a newline to standard error if given. The main
/// process runs its atexit functions; a child does not. Destructors on the stack do not run.
[[noreturn]] void exit(int code, const char* text = nullptr) noexcept;

/// The key that children inherit. Made on first use. Errors: unsupported (no source of chance).
Result<AuthKey> authkey() noexcept;
void authkey(const AuthKey& key) noexcept;

/// Sleeps, signals or not. Returns timeout_negative or timeout_overflow without sleeping.
Status sleep(Timeout duration) noexcept;

/// Closes every descriptor from 3 on but those listed: for a child that wants nothing of its
/// parent's. Never done unasked. The library's own pipes and pools stop working here.
void close_all_but(const int* keep, std::size_t count) noexcept;

}  // namespace this_process

/// CPUs this process may use (affinity, and the cgroup's quota where there is one); at least 1.
std::uint32_t cpu_count() noexcept;

}  // namespace v0
}  // namespace brood

#endif
