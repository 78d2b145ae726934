#include <brood/detail/packed_texts.hpp>
#include <brood/error.hpp>

#include <port/port.hpp>

#include "writer.hpp"

namespace brood {
inline namespace v0 {
namespace {

struct Entry {
    Errc code;
    const char* name;
    const char* text;
};

// In the order of the codes. Each text says what happened and what to do.
constexpr Entry kEntries[] = {
    {Errc::ok, "ok", "no error"},

    {Errc::timed_out, "timed_out", "time ran out, nothing was done: wait longer"},
    {Errc::timeout_negative, "timeout_negative", "negative timeout: use no_wait() or forever()"},
    {Errc::timeout_overflow, "timeout_overflow", "too long a timeout: use Timeout::forever()"},
    {Errc::interrupted, "interrupted", "a signal interrupted the call: call it again"},
    {Errc::would_block, "would_block", "it would have to wait: give it a timeout"},

    {Errc::bad_argument, "bad_argument", "not accepted: see the function's description"},
    {Errc::size_zero, "size_zero", "the size is 0: ask for one at least"},
    {Errc::size_too_large, "size_too_large", "too much to address or count: ask for less"},
    {Errc::name_empty, "name_empty", "the name is empty: use \"/like_this\""},
    {Errc::name_without_slash, "name_without_slash",
     "no slash begins the name: use \"/like_this\""},
    {Errc::name_with_two_slashes, "name_with_two_slashes",
     "a second slash in the name: there are no folders"},
    {Errc::name_too_long, "name_too_long", "the name is too long: 255 bytes are the limit"},
    {Errc::bad_signal, "bad_signal", "no such signal, or not to be handled: see signals::all()"},
    {Errc::text_too_long, "text_too_long", "the text does not fit: use a larger Text<N>"},

    {Errc::no_memory, "no_memory", "no memory for this: free some and try again"},
    {Errc::no_space, "no_space", "shared memory is full: free some, or raise its limits"},
    {Errc::too_many_files, "too_many_files",
     "no descriptor left: close some, or raise RLIMIT_NOFILE"},
    {Errc::too_many_processes, "too_many_processes",
     "no more processes are allowed: see RLIMIT_NPROC, pids.max"},
    {Errc::not_permitted, "not_permitted", "this user may not: change the user or the rights"},
    {Errc::not_found, "not_found", "no such object, file or process: check its name"},
    {Errc::already_exists, "already_exists", "the name is taken: open it, or remove a stale one"},
    {Errc::unsupported, "unsupported", "this system or sandbox cannot do this: do without"},
    {Errc::system_error, "system_error", "the system refused: os_error() says why"},
    {Errc::output_failed, "output_failed", "output could not be written: is the disk full?"},
    {Errc::over_system_limit, "over_system_limit",
     "the system allows less: ask for less, or raise the limit"},

    {Errc::no_target, "no_target", "nothing to run: give it a function, or override run()"},
    {Errc::not_started, "not_started", "the process was not started: call start() first"},
    {Errc::already_started, "already_started",
     "too late, it was started before: make a new Process"},
    {Errc::still_running, "still_running", "the process has not ended yet: join() it first"},
    {Errc::daemon_has_children, "daemon_has_children",
     "a daemon starts no processes: make it without daemon(true)"},
    {Errc::status_stolen, "status_stolen",
     "somebody else reaped the child: see SIGCHLD, waitpid(-1)"},
    {Errc::wrong_process, "wrong_process",
     "it belongs to the process that made it: make one in this"},
    {Errc::exec_failed, "exec_failed", "the program could not be started: os_error() says why"},
    {Errc::no_children, "no_children", "no process to wait for: start one first"},

    {Errc::end_of_stream, "end_of_stream", "all senders have closed: nothing more will come"},
    {Errc::broken_pipe, "broken_pipe", "all receivers have closed: nobody reads any more"},
    {Errc::peer_died, "peer_died", "the other end was killed: make a new channel"},
    {Errc::message_too_long, "message_too_long",
     "too long: a connection then refuses further reads"},
    {Errc::buffer_too_short, "buffer_too_short", "longer than the buffer: try a larger one"},
    {Errc::bad_frame, "bad_frame", "no message of ours: a stranger wrote into the channel"},
    {Errc::closed, "closed", "closed, or moved from: make a new one"},
    {Errc::wrong_direction, "wrong_direction",
     "this end only sends, or only receives: use the other one"},
    {Errc::notify_taken, "notify_taken", "another is notified by this queue: only one can be"},
    {Errc::stalled, "stalled", "it stopped half way: connect again"},
    {Errc::address_in_use, "address_in_use", "taken: if by a dead one, replace_stale()"},
    {Errc::bad_address, "bad_address", "no such address: see Address"},
    {Errc::refused, "refused", "nobody listens: start it first"},
    {Errc::not_authenticated, "not_authenticated", "wrong key: give both the same"},
    {Errc::legacy_refused, "legacy_refused", "only MD5: see allow_legacy()"},

    {Errc::not_ready, "not_ready", "its creator is not done, or died: try again, or remove it"},
    {Errc::type_mismatch, "type_mismatch", "it holds another type: open it as what it was made"},
    {Errc::version_mismatch, "version_mismatch",
     "made by another version of brood: rebuild both programs"},
    {Errc::layout_mismatch, "layout_mismatch",
     "made by another C library or word size: build both alike"},
    {Errc::corrupt, "corrupt", "damaged: remove it and make a new one"},
    {Errc::owner_died, "owner_died", "held, but its last holder was killed: check what it guards"},
    {Errc::not_owner, "not_owner", "not held by the caller: only its holder may do this"},
    {Errc::would_deadlock, "would_deadlock", "the caller holds the lock already: release it first"},
    {Errc::out_of_range, "out_of_range", "the index is beyond the end: see size()"},
    {Errc::too_many_members, "too_many_members", "all places for threads are taken: let some end"},
    {Errc::too_many_releases, "too_many_releases",
     "released more often than acquired: release each once"},
    {Errc::broken_barrier, "broken_barrier", "one did not come to the barrier: reset() it"},
    {Errc::too_many_task_done, "too_many_task_done",
     "done more often than got: call it once for each"},
    {Errc::abandoned, "abandoned", "who had got it died: put what was not done again"},
    {Errc::in_use, "in_use", "somebody uses it: let them end first"},

    {Errc::worker_died, "worker_died", "the worker died in the task: others go on"},
    {Errc::pool_broken, "pool_broken", "the supervisor is gone: submit again to a new pool"},
    {Errc::pool_closed, "pool_closed", "the pool was closed: submit before close()"},
    {Errc::pool_not_closed, "pool_not_closed",
     "the pool is open: call close() or terminate() first"},
    {Errc::pool_terminated, "pool_terminated", "terminated before that task: use a new pool"},
    {Errc::initializer_failed, "initializer_failed",
     "the initializer failed in a worker: the pool gave up"},
    {Errc::task_too_large, "task_too_large",
     "too large for its pool: raise block_bytes, or payload_bytes"},
    {Errc::full, "full", "no room now: take something out first, or wait"},
    {Errc::not_done, "not_done", "the task has not ended yet: wait() first"},
    {Errc::unknown_function, "unknown_function",
     "loaded after the pool was made: make the pool after dlopen"},
    {Errc::collected, "collected", "no result is left here: keep what get() returns"},
    {Errc::empty, "empty", "nothing is there: put something in first, or wait"},
    {Errc::task_timed_out, "task_timed_out", "it took too long: allow more time"},
    {Errc::cancelled, "cancelled", "cancelled: submit it again"},
    {Errc::worker_stuck, "worker_stuck", "it is in the kernel: see to its pid"},
};

struct LimitEntry {
    Limit limit;
    const char* name;
};

// As the systems spell them.
constexpr LimitEntry kLimits[] = {
    {Limit::msg_max, "msg_max"},
    {Limit::msgsize_max, "msgsize_max"},
    {Limit::queues_max, "queues_max"},
    {Limit::rlimit_msgqueue, "RLIMIT_MSGQUEUE"},
    {Limit::mq_open_max, "MQ_OPEN_MAX"},
    {Limit::mq_prio_max, "MQ_PRIO_MAX"},
    {Limit::rlimit_nofile, "RLIMIT_NOFILE"},
    {Limit::file_max, "file-max"},
    {Limit::sem_value_max, "SEM_VALUE_MAX"},
};

static_assert(sizeof(Error) == 16, "two registers return it");

// A program holds only these, and no names if it never asks for one.
constexpr auto kNames = detail::packed_texts<kEntries, &Entry::code, &Entry::name>();
constexpr auto kTexts = detail::packed_texts<kEntries, &Entry::code, &Entry::text>();
constexpr auto kLimitNames = detail::packed_texts<kLimits, &LimitEntry::limit, &LimitEntry::name>();

/// The detail in words: what killed a worker, how many bytes would do.
void describe_detail(detail::Writer& writer, const Error& error) noexcept {
    const std::int64_t amount = error.detail();
    if (error.limit() != Limit::none) {
        writer.text(" (").text(error.limit_name());
        if (amount > 0) { writer.text(" is ").number(amount); }
        writer.text(")");
        return;
    }
    switch (error.code()) {
        case Errc::worker_died:
            if (amount < 0) {
                writer.text(" (").text(port::signal_name(static_cast<int>(-amount))).text(")");
            } else {
                writer.text(" (exit code ").number(amount).text(")");
            }
            break;
        case Errc::abandoned: writer.text(" (").number(amount).text(")"); break;
        case Errc::out_of_range: writer.text(" (index ").number(amount).text(")"); break;
        case Errc::text_too_long:
        case Errc::size_too_large:
        case Errc::buffer_too_short:
        case Errc::message_too_long:
        case Errc::task_too_large:
            if (amount > 0) { writer.text(" (").number(amount).text(" bytes)"); }
            break;
        default: break;
    }
}

void describe_all(detail::Writer& writer, const Error& error) noexcept {
    writer.text(error.text());
    describe_detail(writer, error);
    if (error.os_error() == 0) { return; }
    writer.text(" (");
    const char* const words = port::error_text(error.os_error());
    if (words[0] != '\0') { writer.text(words).text(", "); }
    writer.text("errno ").number(error.os_error()).text(")");
}

void default_panic(const char* doing, const Error& error) {
    char line[400];
    detail::Writer writer(line, sizeof line - 1);
    writer.text(doing).text(": ");
    describe_all(writer, error);
    std::size_t length = writer.size();
    line[length++] = '\n';
    static_cast<void>(port::flush_streams());
    port::print_error(line, length);
    port::exit_now(1);
}

Panic g_panic = &default_panic;

}  // namespace

const char* Error::name() const noexcept {
    return kNames.find(static_cast<std::int32_t>(code_), "unknown");
}

const char* Error::text() const noexcept {
    return kTexts.find(static_cast<std::int32_t>(code_), "unknown error");
}

const char* Error::limit_name() const noexcept {
    return kLimitNames.find(static_cast<std::int32_t>(limit_), "");
}

const char* Error::describe(char* buffer, unsigned long bytes) const noexcept {
    detail::Writer writer(buffer, bytes);
    describe_all(writer, *this);
    return buffer;
}

void set_panic(Panic panic) noexcept {
    g_panic = panic == nullptr ? &default_panic : panic;
}

void panic(const char* doing, const Error& error) noexcept {
    g_panic(doing, error);
    port::exit_now(1);  // A panic handler that returns.
}

void detail::panic_without_value(Error error) noexcept {
    panic("using a result that holds no value", error);
}

}  // namespace v0
}  // namespace brood
