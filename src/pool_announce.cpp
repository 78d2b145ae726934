// The supervisor of an announced pool keeps a board for other programs: pool_board.hpp.
#include "pool_announce.hpp"

#include <utility>

#include "fork_list.hpp"
#include "named_object.hpp"
#include "pool_board.hpp"
#include "pool_care.hpp"
#include "pool_stats.hpp"
#include "writer.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::int64_t kPeriodNs = 500000000;
// Names that a pool tries, should those before be taken: by one of another pid namespace, or by a
// dead one that had this pid.
constexpr int kNamesMost = 100;

/// What a supervisor, which has one pool, knows of its board.
struct Announcement {
    PoolBoard* board;
    std::size_t bytes;
    Claim claim;
    Announced* announced;  // with its name
    std::int64_t due_ns;   // when it is to be written again
    std::uint32_t same;    // how often there was nothing new
    std::uint32_t digest;  // of what it said last
};
Announcement g_own = {};

// ---- Making it ---------------------------------------------------------------------------------

void fill_header(SegmentHeader& header, std::uint32_t places, std::size_t bytes) noexcept {
    header.layout_version = kLayoutVersion;
    header.kind = static_cast<std::uint16_t>(SegmentKind::pool);
    header.element_bytes = sizeof(WorkerStats);
    header.header_bytes = PoolBoard::kWorkersAt;
    header.count = places;
    header.total_bytes = bytes;
    header.creator_pid = port::process_id();
}

/// Makes the board in the claimed object. If killed anywhere in here: the lock is free then.
Status build(PoolCore& core) noexcept {
    const Status marked = mark_unfinished(g_own.claim);
    if (!marked.ok()) { return marked; }
    const std::uint32_t places = core.shared->records;
    g_own.bytes = PoolBoard::bytes_for(places);
    const Status allocated = port::allocate_object(g_own.claim.object, g_own.bytes);
    if (!allocated.ok()) { return allocated; }
    const Result<void*> mapped = port::map_object(g_own.claim.object, g_own.bytes, true);
    if (!mapped.ok()) { return mapped.error(); }
    PoolBoard& board = *static_cast<PoolBoard*>(*mapped);
    fill_header(board.header, places, g_own.bytes);
    board.host = port::parent_id();
    board.supervisor = port::process_id();
    board.begun_ns = board.looked_ns = static_cast<std::uint64_t>(port::now_ns());
    __builtin_memcpy(board.name, core.pool_name(), sizeof board.name);
    board.stats.workers = core.shared->workers.load(std::memory_order_relaxed);
    board.header.magic.store(kMagicReady, std::memory_order_release);
    g_own.board = &board;
    return Errc::ok;
}

Status begin(PoolCore& core) noexcept {
    g_own = Announcement();
    Announced& announced = *(g_own.announced = &PoolCare::of(*core.shared).announced);
    const ObjectGuard guard(port::kNever);
    if (!guard.status().ok()) { return guard.status(); }
    for (int number = 1;; ++number) {
        Writer(announced.name, sizeof announced.name)
            .text(kBoardPrefix)
            .number(port::process_id())
            .text("-")
            .number(number);
        const Result<Claim> claim = claim_name(announced.name, static_cast<std::uint32_t>(0600));
        if (claim.code() == Errc::already_exists && number < kNamesMost) { continue; }
        if (!claim.ok()) { return claim.error(); }
        g_own.claim = *claim;
        break;
    }
    // If killed up to here: the host does not know of it, and who looks removes it.
    announced.identity = g_own.claim.identity;
    announced.is_there.store(1, std::memory_order_release);
    const Status built = build(core);
    if (!built.ok()) { abandon(announced.name, g_own.claim); }
    return built;
}

// ---- Writing there -----------------------------------------------------------------------------

/// Of what a reader would call news: not the passing of time.
std::uint32_t digest_of(const PoolBoard& board) noexcept {
    std::uint64_t digest = 0;
    const auto add = [&](std::uint64_t value) { digest = (digest ^ value) * 0x100000001b3u; };
    const PoolStats& stats = board.stats;
    for (const std::uint64_t value : {stats.done, stats.failed, stats.timed_out, stats.cancelled,
                                      stats.replaced, stats.shared_bytes, stats.progress_total}) {
        add(value);
    }
    add(stats.workers);
    for (std::uint32_t i = 0; i < board.rows; ++i) {
        add(static_cast<std::uint32_t>(board.worker[i].pid));
        add(static_cast<std::uint32_t>(board.worker[i].state));
    }
    return static_cast<std::uint32_t>(digest >> 32);
}

/// True: it will be otherwise soon.
bool write(PoolCore& core, std::int64_t now_ns) noexcept {
    PoolBoard& board = *g_own.board;
    note_stopped(core);
    const PoolStats stats = tally(core, false);
    const std::uint32_t version = board.version.load(std::memory_order_relaxed);
    board.version.store(version + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    // If killed, or stopped, before this is done: readers say that it is not ready; or that it is
    // dead.
    board.stats = stats;
    const std::uint32_t places = core.shared->records;
    const std::size_t there = tally_workers(core, board.worker, places);
    board.rows = there < places ? static_cast<std::uint32_t>(there) : places;
    board.looked_ns = static_cast<std::uint64_t>(now_ns);
    board.version.store(version + 2, std::memory_order_release);
    const std::uint32_t digest = digest_of(board);
    const bool is_news = std::exchange(g_own.digest, digest) != digest;
    return is_news || stats.queued > 0 || stats.running > 0;
}

/// Where nothing happens there is no look, but for one more after the last: a worker may have begun
/// a task just before it could see that it is to wake us.
std::int64_t look(PoolCore& core, std::int64_t now_ns) noexcept {
    if (now_ns < g_own.due_ns) { return g_own.due_ns; }
    const bool goes_on = write(core, now_ns);
    g_own.due_ns = now_ns + kPeriodNs;
    g_own.same = goes_on ? 0 : g_own.same + 1;
    counts_of(*core.shared).is_quiet.store(goes_on ? 0 : 1, std::memory_order_relaxed);
    return g_own.same > 1 ? port::kNever : g_own.due_ns;
}

// ---- Its end -----------------------------------------------------------------------------------

void end() noexcept {
    if (g_own.board == nullptr) { return; }
    // If killed before: the lock is free, and the host removes it, or who looks.
    remove_name_of(g_own.announced->name, g_own.claim.identity);
    g_own.announced->is_there.store(0, std::memory_order_release);
    g_own.board = nullptr;
}

/// Only what this pool's supervisor has made, and only if nobody holds it: another may have its
/// name by now. If killed anywhere in here: it is there still, or gone; who looks finds either.
void clear(PoolCore& core) noexcept {
    const Announced& announced = PoolCare::of(*core.shared).announced;
    if (announced.is_there.load(std::memory_order_acquire) == 0) { return; }
    const ObjectGuard guard(port::kNever);
    if (!guard.status().ok()) { return; }
    const Result<port::Fd> object = port::open_object(announced.name, true);
    if (!object.ok()) { return; }
    const Result<port::ObjectIdentity> identity = port::object_identity(*object);
    if (identity.ok() && *identity == announced.identity) {
        static_cast<void>(remove_if_left(announced.name, *object));
    }
    port::close(*object);
}

/// Locks belong to processes: to close the descriptors here does not free the supervisor's.
void forget() noexcept {
    if (g_own.board == nullptr) { return; }
    port::unmap(g_own.board, g_own.bytes);
    port::close(g_own.claim.object);
    port::close(g_own.claim.witness);
    g_own.board = nullptr;
}

constexpr Announcer kAnnouncer = {&begin, &look, &end, &clear, &forget};

}  // namespace
}  // namespace detail

PoolOptions& PoolOptions::announce() noexcept {
    rest_.announcer = &detail::kAnnouncer;
    return timed();
}

PoolOptions& PoolOptions::name(const char* name) noexcept {
    std::size_t at = 0;
    for (; name[at] != '\0' && at + 1 < kNameBytes; ++at) { rest_.name[at] = name[at]; }
    while (at < kNameBytes) { rest_.name[at++] = '\0'; }
    return *this;
}

}  // namespace v0
}  // namespace brood
