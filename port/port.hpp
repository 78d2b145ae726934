// Everything brood asks of an operating system, on one page (its types are in port/types.hpp).
//
// To port brood, implement this page: port/posix does so with POSIX.1-2017 alone, port/linux
// replaces the files in which Linux does better. A port evens out systems: it retries EINTR
// unless an entry says otherwise, and turns errno into Errc in one table (port/posix/errors.cpp).
// "unsupported" is an honest answer where an entry lists it; the core then falls back.
//
// Each entry says what it returns and whether it is async-signal-safe: [ass] marks those that are,
// and between fork and the child's own code the core calls no other.
//
// Layers: the functions live in an inline namespace, so that a test or a tracer may put a layer of
// its own between the core and the system: it includes this page once for each layer (no include
// guard, on purpose), implements its own by calling brood::port::os, and the core is compiled with
// BROOD_PORT_LAYER naming it. See test/fault.
#include <port/types.hpp>

#ifndef BROOD_PORT_LAYER
#define BROOD_PORT_LAYER os
#endif

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

/// Names the port: "linux" or "posix". Tests print it.
extern const char* const kName;

// ---- Processes -------------------------------------------------------------------------------

/// An address that no other running thread of this process has; a forked child keeps that of the
/// thread that forked it. [ass]
const void* this_thread() noexcept;

/// Copies this process. 0 in the child. Errors: too_many_processes, no_memory. [ass]
Result<Pid> fork() noexcept;

/// The caller's process, and its parent. [ass]
Pid process_id() noexcept;
Pid parent_id() noexcept;

/// A descriptor (close-on-exec) that becomes readable when process `pid` ends, and by which
/// signal_process() can be sure whom it hits. `pid` is a child not yet reaped, or the caller; of
/// any other process the caller must know afterwards that it still lives.
/// Errors: unsupported (old kernel, sandbox, posix), too_many_files, not_found. [ass]
Result<Fd> watch_process(Pid pid) noexcept;

/// The state of child `pid`, that child only. Errors: status_stolen (no such child: somebody
/// reaped it), interrupted never. [ass]
Result<ChildState> wait_child(Pid pid, Reap how) noexcept;
/// The same with `watch` (from watch_process, or kNoFd): another child that was given the pid since
/// is not taken for it. [ass]
Result<ChildState> wait_watched(Pid pid, Fd watch, Reap how) noexcept;

/// Whether child `pid`, not yet reaped, is stopped by a signal now (SIGSTOP, Ctrl-Z). [ass]
bool is_stopped(Pid pid) noexcept;

/// Sends `signal` (0 only asks whether it may). With `watch` (from watch_process) it reaches that
/// process or nobody. Errors: not_found, not_permitted, bad_signal. [ass]
Status signal_process(Pid pid, Fd watch, int signal) noexcept;
/// The same to every process of a process group.
Status signal_group(Pid group, int signal) noexcept;

/// Ends the process at once: no destructors, no atexit, no flush. [ass]
[[noreturn]] void exit_now(int code) noexcept;
/// Ends the program as exit(3): runs atexit functions and flushes streams.
[[noreturn]] void exit_program(int code) noexcept;

/// Asks the system to kill the caller when `parent`, which forked it, ends. Only for a child of a
/// single-threaded parent (on Linux the death of the forking *thread* counts), and lost by setuid.
/// ok, also when the parent is gone already (the caller is then killed or exits at once);
/// unsupported on posix. [ass]
Status die_with_parent(Pid parent) noexcept;

/// Where die_with_parent() is unsupported, a third process can end the caller in its stead, and can
/// be sure whom it hits. Makes such a proof, in shared memory, that is given by nobody yet. Also
/// anew, when who gave it before has been reaped.
void proof_init(ProofOfLife& proof) noexcept;
/// From here on proof_end() ends the caller, until that ends by itself. Where it cannot, or need
/// not (Linux), it does nothing. [ass]
void proof_give(ProofOfLife& proof) noexcept;
/// Kills the process that gives the proof, if it lives. Zeroed memory is a proof by nobody.
void proof_end(ProofOfLife& proof) noexcept;

/// Asks the system to kill the caller when the last write end of the pipe read by `lifeline` is
/// closed; survives setuid and exec. Errors: unsupported (posix). Checks once after arming, so a
/// writer that died before is noticed, too. [ass]
Status die_with_pipe(Fd lifeline) noexcept;

/// Makes the caller the leader of a process group of its own. [ass]
Status lead_group() noexcept;

/// Whether orphaned descendants of this process become its children (pid 1, subreaper). [ass]
bool adopts_orphans() noexcept;

/// Registers what runs around every fork() of this program, whoever calls it. Once per program.
Status at_fork(void (*before)(), void (*parent)(), void (*child)()) noexcept;

/// Starts another program as a child, with default signal handlers and an empty mask, and only
/// descriptors 0, 1, 2 and those of the host that are not close-on-exec. Returns when the exec has
/// happened. Errors: exec_failed (with the errno of the step that failed), unsupported (an option
/// this port lacks), too_many_processes, no_memory.
Result<Pid> spawn(const SpawnPlan& plan) noexcept;

/// CPUs this process may use: affinity and, on Linux, the cgroup quota (rounded up). At least 1.
std::uint32_t usable_cpus() noexcept;
/// Whether others can run while the caller does, whatever CPUs it may use itself: only then is it
/// of use to look for a while at what they do. Asked once.
bool has_parallel_cpus() noexcept;

/// Flushes standard output and error of the C library. False if some output could not be written.
bool flush_streams() noexcept;
/// In a fresh child: drops what standard output and error still hold of the parent. [ass on Linux]
void discard_streams() noexcept;

/// Writes to standard error, unbuffered, all of it or as much as is possible. For one who is about
/// to end the process: SIGPIPE stays blocked in the calling thread. [ass]
void print_error(const char* text, std::size_t bytes) noexcept;

/// The system's words for an errno, "" if it has none. Static. [ass]
const char* error_text(std::int32_t os_error) noexcept;

// ---- Signals ---------------------------------------------------------------------------------

/// The signals of this system that have names (real-time ones have none), by number. The array is
/// static. [ass]
const SignalEntry* signal_table(std::size_t& count) noexcept;
/// The name in that table, "signal" if it has none. Static. [ass]
const char* signal_name(std::int32_t signal) noexcept;

/// SIGCHLD and SIGCONT, whose numbers differ between systems.
extern const int kSignalChild;
extern const int kSignalContinue;

/// Reads the old action into `before` (may be null) and sets `action` (may be null).
/// Errors: bad_signal. [ass]
Status signal_action(int signal, const SignalAction* action, SignalAction* before) noexcept;

/// Changes the calling thread's mask and returns the former one. [ass]
SignalMask signal_mask(MaskChange how, SignalMask mask) noexcept;

/// Puts every caught signal back to its default (ignored ones stay ignored) and empties the mask.
/// For a fresh child, which calls it with all signals blocked. [ass]
void reset_signals() noexcept;

/// Waits for one of `set` (blocked by the caller) and takes it. timed_out at the deadline.
Result<std::int32_t> signal_wait(SignalMask set, std::int64_t deadline_ns) noexcept;

/// Sleeps until a signal handler has run. [ass]
void signal_pause() noexcept;

/// Sets the one alarm clock of the process to `ns` from now (0: off); returns what was left of the
/// former (0: it was off). It rings once. Errors: timeout_overflow.
Result<std::int64_t> alarm_clock(std::int64_t ns) noexcept;
/// Makes the clock ring again every `ns` once it has rung (0: no more; -1: as it is). Returns what
/// was so before.
std::int64_t alarm_repeat(std::int64_t ns) noexcept;

// ---- Descriptors -----------------------------------------------------------------------------

// Those that this page returns are above 2, also in a host without standard streams: what is
// printed there, and what a child makes of them, never reaches ours.

/// A pipe, both ends close-on-exec and blocking: ends[0] reads, ends[1] writes. Posix: a foreign
/// fork + exec in another thread may inherit it.
Status pipe(Fd ends[2]) noexcept;

/// One read(2): bytes read, 0 at the end of the stream. Blocks. [ass]
Result<std::size_t> read(Fd fd, void* buffer, std::size_t bytes) noexcept;
/// The same, but would_block instead of blocking. Posix and kernels before 6.4: if several
/// processes read the same pipe, it may still block when another takes the data first. [ass]
Result<std::size_t> read_now(Fd fd, void* buffer, std::size_t bytes) noexcept;
/// One write(2) that never raises SIGPIPE, whatever the host does with that signal: broken_pipe
/// instead. Atomic up to pipe_atomic() bytes. Blocks. Errors: broken_pipe, no_space. [ass]
Result<std::size_t> write(Fd fd, const void* data, std::size_t bytes) noexcept;
/// The same, but would_block instead of blocking; may write a part if bytes > pipe_atomic(). Posix
/// and kernels that lack it: if several processes write, as read_now(). [ass]
Result<std::size_t> write_now(Fd fd, const void* data, std::size_t bytes) noexcept;
/// One byte into a pipe whose other end the caller has, too, so that there is no SIGPIPE. If it is
/// full, none. [ass]
void poke(Fd fd) noexcept;
/// read() and write() of a record of at most pipe_atomic() bytes, whole or not at all.
/// ok; end_of_stream; bad_frame (it had another size); the errors of read(). [ass]
Status read_record(Fd fd, void* record, std::size_t bytes) noexcept;
Status write_record(Fd fd, const void* record, std::size_t bytes) noexcept;
/// Tells write() that the host ignores SIGPIPE for good, so that it needs not guard against it.
void assume_broken_pipe_ignored(bool assume) noexcept;

/// PIPE_BUF of this system: messages up to here are written whole or not at all. [ass]
std::size_t pipe_atomic() noexcept;

/// Closes; never fails for the caller. Of kNoFd there is nothing to close. [ass]
void close(Fd fd) noexcept;
/// Makes `target` a copy of `fd`; `target` survives exec. [ass]
Status duplicate_to(Fd fd, Fd target) noexcept;
/// Makes descriptor 0 read from /dev/null. [ass]
Status null_input() noexcept;
/// Closes every descriptor from 3 on but those listed. [ass]
void close_all_but(const Fd* keep, std::size_t count) noexcept;

/// Waits until an item is ready: how many are. 0 at the deadline. At most kPollMax items. [ass]
Result<std::size_t> poll(PollItem* items, std::size_t count, std::int64_t deadline_ns) noexcept;

// ---- Sockets ---------------------------------------------------------------------------------

// Streams, close-on-exec (posix: as pipe()) and never blocking, for all who share them: would_block
// instead. read() and poll() serve them, too. Where a peer resets a connection: broken_pipe.

/// One that listens at `address`, which becomes the address that it has, with the port that the
/// system chose for 0. `file` becomes what tells the file of a unix_path from others of its name.
/// Such a file is there only while somebody listens, or was killed: of several who make or replace
/// one at a time, one does, and the others are told address_in_use. Not for two threads at a time.
/// If killed here: that file may stay, and the empty file `path`.lock, which does no harm. Errors:
/// address_in_use, not_found (no such folder), not_permitted, name_too_long, too_many_files,
/// unsupported (the family: on posix abstract).
Result<Fd> socket_listen(Address& address, const ListenPlan& plan, ObjectIdentity& file) noexcept;
/// The next who has connected, and from where. Errors: would_block, too_many_files, no_memory.
Result<Fd> socket_accept(Fd listener, Address& peer) noexcept;
/// One that begins to connect. Errors: would_block (try again a little later), refused (nobody
/// listens), not_found (no such file), not_permitted, name_too_long, too_many_files, unsupported.
Result<Fd> socket_connect(const Address& address) noexcept;
/// Whether it has connected, once it polls writable: ok; refused, timed_out, system_error. [ass]
Status socket_connected(Fd socket) noexcept;
/// Writes some of it, without SIGPIPE. Errors: would_block, broken_pipe. [ass]
Result<std::size_t> socket_send(Fd socket, const void* data, std::size_t bytes) noexcept;
/// Sends one byte, of value 1, and with it a copy of the descriptor `sent`, as Python does, through
/// a socket of AF_UNIX. Errors: would_block, broken_pipe, unsupported (another family). [ass]
Status socket_send_fd(Fd socket, Fd sent) noexcept;
/// Takes one byte and the one descriptor that came with it (close-on-exec). Errors: would_block,
/// end_of_stream, too_many_files, bad_frame (none came, or several: all are closed), unsupported.
Result<Fd> socket_receive_fd(Fd socket) noexcept;
/// Ends both directions, for all who share the socket: both sides see the end of the stream. [ass]
void socket_shutdown(Fd socket) noexcept;
/// Has the system ask a peer of TCP that is silent whether it is there. Who does not answer for
/// `limit_ns` (posix: as long as the system is set to, two hours as a rule), or does not take what
/// it is sent, has its connection broken: that polls ready, and read() says timed_out, or what the
/// network said. Sockets of AF_UNIX and pipes, of which the system knows, stay as they are. [ass]
void socket_keep_alive(Fd socket, std::int64_t limit_ns) noexcept;
/// Removes the file of a socket, if it is still that one.
void socket_remove(const Address& address, const ObjectIdentity& file) noexcept;

// ---- Message queues --------------------------------------------------------------------------

// Kept by the system: no process, killed in whichever of these, leaves one that others cannot use.
/// Makes the queue `name`, with exactly `mode` whatever the umask, open for both directions and
/// close-on-exec. Errors: already_exists; over_system_limit and too_many_files, which name the
/// limit; no_memory; unsupported (no message queues in this kernel).
Result<Mq> mq_create(const char* name, std::uint32_t mode, std::size_t depth,
                     std::size_t message_bytes) noexcept;
/// One without a name. If killed here, one name may stay, until the user's next call.
Result<Mq> mq_create_nameless(std::size_t depth, std::size_t message_bytes) noexcept;
/// Errors: not_found, not_permitted, too_many_files, unsupported.
Result<Mq> mq_open(const char* name) noexcept;
/// Also ends the notification of this process by that queue, whichever handle asked for it.
void mq_close(Mq queue) noexcept;
Status mq_unlink(const char* name) noexcept;
/// Tells queues apart. Errors: unsupported (posix).
Result<ObjectIdentity> mq_identity(Mq queue) noexcept;
/// The queue's descriptor, readable while there is a message, writable while there is room, which
/// only mq_close() closes; kNoFd where it has none. [ass]
Fd mq_fd(Mq queue) noexcept;
/// Puts a message in; waits for room until the deadline, 0: tries once. ok; timed_out; closed;
/// over_system_limit (a priority that the system has not); type_mismatch (too long for the queue);
/// unsupported.
Status mq_send(Mq queue, const void* message, std::size_t bytes, std::uint32_t priority,
               std::int64_t deadline_ns) noexcept;
/// Takes the oldest of the highest priority out; waits until the deadline, 0: tries once. ok;
/// timed_out; bad_frame (it had another length than `bytes`, and is gone); closed; unsupported.
Status mq_receive(Mq queue, void* message, std::size_t bytes, std::uint32_t& priority,
                  std::int64_t deadline_ns) noexcept;
Result<MqState> mq_state(Mq queue) noexcept;
/// Has `signal` sent to this process when a message comes to the empty queue, once; 0: cancels.
/// Errors: notify_taken (another is registered), bad_signal.
Status mq_notify(Mq queue, int signal) noexcept;
MqLimits mq_limits() noexcept;

// ---- Named semaphores ------------------------------------------------------------------------

/// Makes the semaphore `name`, with exactly `mode` whatever the umask, in one step: nobody opens
/// half of one. Errors: already_exists, name_too_long, over_system_limit (the value), no_space,
/// too_many_files, no_memory, unsupported (no place for it: no /dev/shm, say).
Result<Semaphore> sem_create(const char* name, std::uint32_t mode, std::uint32_t value) noexcept;
/// Errors: not_found, not_permitted, name_too_long, corrupt (what has the name is none).
Result<Semaphore> sem_open(const char* name) noexcept;
void sem_close(Semaphore semaphore) noexcept;
Status sem_unlink(const char* name) noexcept;
/// Takes one; waits until the deadline, 0: tries once. timed_out. If a sleeper was woken and killed
/// before it took, another takes within kSliceNs.
Status sem_wait(Semaphore semaphore, std::int64_t deadline_ns) noexcept;
/// Gives one. Errors: over_system_limit (the value). [ass]
Status sem_post(Semaphore semaphore) noexcept;
std::uint32_t sem_value(Semaphore semaphore) noexcept;
std::uint32_t sem_value_max() noexcept;

// ---- Shared memory ---------------------------------------------------------------------------

/// Zeroed pages, allocated now (a later fault never fails), shared with children forked later;
/// no name is left behind. Errors: no_space, no_memory, size_zero, size_too_large.
Result<void*> map_shared(std::size_t bytes) noexcept;
/// Addresses for up to `most` bytes of shared memory, at least `least`: as many as the limits of
/// this process and the size of the system's memory allow, in whole pages. Nothing is allocated,
/// and it does not show in core dumps (posix: it does, and is 1 GiB at most). unmap() ends it.
/// Errors: no_memory, no_space, too_many_files, size_zero, size_too_large, unsupported.
Result<Reservation> reserve_shared(std::size_t most, std::size_t least) noexcept;
/// Allocates whole pages of it that nobody uses, now: a later fault never fails. Their bytes are
/// undefined. Errors: no_space, no_memory; where the system has to be asked through a file (posix,
/// Linux before 5.14) too_many_files. Some of the pages may be allocated then.
Status allocate_reserved(void* address, std::size_t bytes) noexcept;
/// Gives whole pages of it that nobody uses back to the system, in all processes that share it.
/// Errors: unsupported (posix; pages that are locked in memory): they stay allocated.
Status give_back(void* address, std::size_t bytes) noexcept;
/// Zeroed pages of this process alone.
Result<void*> map_private(std::size_t bytes) noexcept;
/// Maps all `bytes` of a shared object, readable and writable (or only readable).
Result<void*> map_object(Fd fd, std::size_t bytes, bool writable) noexcept;
void unmap(void* address, std::size_t bytes) noexcept;
/// Whether the page at `address` is mapped in this process. [ass]
bool is_mapped(const void* address) noexcept;
/// Keeps pages out of core dumps, where the system can.
void hide_from_dumps(void* address, std::size_t bytes) noexcept;
std::size_t page_bytes() noexcept;

/// Creates the object `name`, empty, with exactly `mode` whatever the umask. already_exists;
/// unsupported (there is no place for objects: no /dev/shm, say).
Result<Fd> create_object(const char* name, std::uint32_t mode) noexcept;
Result<Fd> open_object(const char* name, bool writable) noexcept;
Status remove_object(const char* name) noexcept;
/// Gives the object `bytes`, all allocated now. Errors: no_space (file system or cgroup).
Status allocate_object(Fd fd, std::size_t bytes) noexcept;
Result<std::uint64_t> object_bytes(Fd fd) noexcept;
/// Makes `mark` the first four bytes of an empty object, in one step (no bytes, or these) where the
/// system can. Errors: no_space.
Status mark_object(Fd fd, std::uint32_t mark) noexcept;
/// Calls visit(context, name) for each object whose name, with its '/', begins with `prefix`, until
/// that is false; it may remove what it visits. Errors: unsupported (the system does not list
/// them), not_permitted, too_many_files.
Status list_objects(const char* prefix, bool (*visit)(void* context, const char* name),
                    void* context) noexcept;
/// Whether it is the calling user's, by its effective id, and its mode lets nobody else open it.
Result<bool> object_is_ours_alone(Fd fd) noexcept;
/// What tells the object behind a descriptor from every other that is open or mapped somewhere.
Result<ObjectIdentity> object_identity(Fd fd) noexcept;
/// Takes the object's creation lock, which ends with the process. False: another holds it.
Result<bool> lock_object(Fd fd) noexcept;
void unlock_object(Fd fd) noexcept;

// ---- Sleeping and waking ---------------------------------------------------------------------

/// Prepares a zeroed bell for use between processes.
Status bell_init(Bell& bell) noexcept;
/// Sleeps while bell.word == expected, until a ring for one of `kinds`, or the deadline. ok (woken,
/// differed, or no reason: callers look again), timed_out. A port compares and falls asleep as one
/// step.
Status bell_wait(Bell& bell, std::uint32_t expected, std::uint32_t kinds,
                 std::int64_t deadline_ns) noexcept;
/// bell_wait() for any kind, which looks again at what the caller looked at (at most kLookedAtMax)
/// when a ring would find him already, and returns ok if it differs. So he misses no change by one
/// who died owing the ring: whom it wakes is known at that moment, and he might not sleep yet.
/// Where a port cannot (Linux before 5.16), sleeps end after kSliceNs.
Status bell_wait_having_looked(Bell& bell, std::uint32_t expected, const LookedAt* looked,
                               std::size_t count, std::int64_t deadline_ns) noexcept;
/// Wakes up to `count` sleepers of `kinds` and returns how many were found (posix: may report more,
/// and wakes every kind). [ass]
std::uint32_t bell_ring(Bell& bell, std::uint32_t count, std::uint32_t kinds) noexcept;
/// Wakes those sleepers of `bell` who looked at `looked`, and no others. (Posix, and Linux before
/// 5.16: nobody, as those sleepers look again by themselves.) [ass]
void bell_ring_lookers(Bell& bell, std::atomic<std::uint32_t>& looked) noexcept;
/// Makes the calling single-threaded process the keeper of `bell`: when it ends, however it ends,
/// the system sets kBellOwnerDied in the word and wakes a sleeper. unsupported: sleepers must then
/// look by themselves every kSliceNs. Only for processes that use no robust pthread mutex.
Status bell_keep(Bell& bell) noexcept;

/// From now on, and until owe_nothing() or the next operation on a mutex: if the calling thread
/// ends, in whatever way, the system wakes one sleeper of `bell`, of any kind. Bits 0..29 of the
/// bell's word must be 0 then. Does nothing where rings_for_the_dead() is false: sleepers must then
/// look by themselves every kSliceNs. [ass]
void owe_ring(Bell& bell) noexcept;
void owe_nothing() noexcept;
bool rings_for_the_dead() noexcept;

/// Lets fence_all() reach this process. unsupported: nobody may rely on fence_all() then.
Status fence_join() noexcept;
/// A full memory barrier in every running thread of every process that called fence_join(): what
/// they stored before is seen by the caller, what they load afterwards sees the caller's stores.
/// So the frequent side of a Dekker handshake needs no barrier of its own (membarrier(2)).
Status fence_all() noexcept;

/// Identifies the libc and word size that a RobustMutex in shared memory belongs to.
std::uint32_t mutex_layout() noexcept;
Status mutex_init(RobustMutex& mutex) noexcept;
/// ok; owner_died (taken, and made usable again); timed_out; would_deadlock; corrupt.
Status mutex_lock(RobustMutex& mutex, std::int64_t deadline_ns) noexcept;
/// ok; not_owner.
Status mutex_unlock(RobustMutex& mutex) noexcept;
/// The same, and then owe_ring(bell), without a moment in between. If the caller ends while it lets
/// go, the system wakes a sleeper who watches this mutex.
Status mutex_unlock_owing(RobustMutex& mutex, Bell& bell) noexcept;
/// Whether the calling thread holds it.
bool mutex_is_mine(RobustMutex& mutex) noexcept;
/// Whether no living thread holds it. Posix: takes it for a moment to find out, and if its last
/// holder died, the next hears no more of that.
bool mutex_is_free(RobustMutex& mutex) noexcept;
/// bell_wait() for any kind, which also ends when one of `watched` is free, or its holder ends:
/// that wakes one of those who watch it. Whoever is woken may find that nothing is left for him. At
/// most kWatchedMax. Where a port cannot watch (Linux before 5.16), sleeps end after kSliceNs.
/// `looked`, if not null: what the caller looked at, as bell_wait_having_looked() has it; for more
/// than kWatchedMax - 1 mutexes, sleeps then end after kSliceNs.
Status bell_wait_watching(Bell& bell, std::uint32_t expected, RobustMutex* const* watched,
                          std::size_t count, std::int64_t deadline_ns,
                          const LookedAt* looked) noexcept;
/// The same on two bells at once; at most kWatchedMax - 1 mutexes. Who changes the word of `first`
/// and dies owing a ring to `second` ends this, whenever that is. (Posix, and Linux before 5.16:
/// of a ring of `second` it hears only after kSliceNs.)
Status bells_wait_watching(Bell& first, std::uint32_t first_expected, Bell& second,
                           std::uint32_t second_expected, RobustMutex* const* watched,
                           std::size_t count, std::int64_t deadline_ns) noexcept;

// ---- Time and chance -------------------------------------------------------------------------

/// Nanoseconds on the monotonic clock. [ass]
std::int64_t now_ns() noexcept;
/// Sleeps until the deadline, signals or not. [ass]
void sleep_until(std::int64_t deadline_ns) noexcept;
/// Lets others run. [ass]
void yield() noexcept;
/// A moment's rest inside a loop that spins. [ass]
void cpu_relax() noexcept;
/// Fills `buffer` with random bytes fit for keys. Errors: unsupported. [ass]
Status random_bytes(void* buffer, std::size_t bytes) noexcept;

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
