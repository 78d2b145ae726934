// How others look at an announced pool. What they find was written by a stranger, maybe: each value
// is loaded once, and checked in the copy.
#include <brood/pool_view.hpp>

#include "named_object.hpp"
#include "names.hpp"
#include "pool_board.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::int64_t kPatienceNs = 100000000;
constexpr std::int64_t kNapNs = 200000;

bool begins_with(const char* text, const char* prefix) noexcept {
    while (*prefix != '\0' && *text == *prefix) { ++text, ++prefix; }
    return *prefix == '\0';
}

/// What is to be read of a board, but for its workers.
struct Head {
    std::int32_t host, supervisor;
    std::uint32_t rows;
    std::uint64_t begun_ns, looked_ns;
    char name[PoolOptions::kNameBytes];
    PoolStats stats;
};

/// One try at a copy of everything. False: it changed meanwhile.
bool copy_board(const PoolBoard& board, std::uint32_t places, Head& head, WorkerStats* workers,
                std::size_t room, std::size_t& listed) noexcept {
    const std::uint32_t version = board.version.load(std::memory_order_acquire);
    if (version % 2 != 0) { return false; }
    head.host = board.host;
    head.supervisor = board.supervisor;
    const std::uint32_t rows = *static_cast<const volatile std::uint32_t*>(&board.rows);
    head.rows = rows < places ? rows : places;
    head.begun_ns = board.begun_ns;
    head.looked_ns = board.looked_ns;
    __builtin_memcpy(head.name, board.name, sizeof head.name);
    __builtin_memcpy(static_cast<void*>(&head.stats), &board.stats, sizeof head.stats);
    listed = head.rows < room ? head.rows : room;
    for (std::size_t i = 0; i < listed; ++i) {
        __builtin_memcpy(static_cast<void*>(&workers[i]), &board.worker[i], sizeof workers[i]);
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    return board.version.load(std::memory_order_relaxed) == version;
}

/// Without what a terminal would obey: C0, and in UTF-8 C1.
void tidy_name(char* name, std::size_t bytes) noexcept {
    name[bytes - 1] = '\0';
    for (std::size_t i = 0; name[i] != '\0'; ++i) {
        const auto byte = static_cast<unsigned char>(name[i]);
        const auto next = static_cast<unsigned char>(name[i + 1]);
        const bool is_c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
        if (byte < 0x20 || byte == 0x7f || is_c1) { name[i] = '?'; }
        if (is_c1) { name[i + 1] = '?'; }
    }
}

std::int64_t ms_since(std::uint64_t then_ns, std::uint64_t now_ns) noexcept {
    return then_ns >= now_ns ? 0 : static_cast<std::int64_t>((now_ns - then_ns) / 1000000);
}

void tidy_worker(WorkerStats& worker, std::int64_t looked_ms) noexcept {
    if (static_cast<std::uint32_t>(worker.state) > static_cast<std::uint32_t>(WorkerState::stuck)) {
        worker.state = WorkerState::starting;
    }
    const bool goes_on = worker.task != WorkerStats::kNoTask && worker.in_task_ms >= 0 &&
                         worker.in_task_ms <= INT64_MAX - looked_ms;
    if (goes_on) { worker.in_task_ms += looked_ms; }
}

Result<PoolReport> report_of(const PoolBoard& board, std::uint32_t places, WorkerStats* workers,
                             std::size_t room) noexcept {
    const std::int64_t end_ns = port::now_ns() + kPatienceNs;
    Head head;
    PoolReport report;
    while (!copy_board(board, places, head, workers, room, report.workers_listed)) {
        if (port::now_ns() >= end_ns) { return Errc::not_ready; }
        port::sleep_until(port::now_ns() + kNapNs);
    }
    const auto now_ns = static_cast<std::uint64_t>(port::now_ns());
    tidy_name(head.name, sizeof head.name);
    report.name.append(head.name);
    report.host_pid = head.host;
    report.supervisor_pid = head.supervisor;
    report.age_ms = ms_since(head.begun_ns, now_ns);
    report.looked_ms = ms_since(head.looked_ns, now_ns);
    report.stats = head.stats;
    for (std::size_t i = 0; i < report.workers_listed; ++i) {
        tidy_worker(workers[i], report.looked_ms);
    }
    return report;
}

/// Of an object that is held by a living process.
Result<PoolReport> read_object(port::Fd object, WorkerStats* workers, std::size_t room) noexcept {
    const Result<std::uint64_t> bytes = port::object_bytes(object);
    if (!bytes.ok()) { return bytes.error(); }
    if (*bytes < PoolBoard::kWorkersAt) { return Errc::not_ready; }
    std::size_t mapped = PoolBoard::bytes_for(PoolOptions::kWorkersMax);
    if (*bytes < mapped) { mapped = static_cast<std::size_t>(*bytes); }
    const Result<void*> base = port::map_object(object, mapped, false);
    if (!base.ok()) { return base.error(); }
    const PoolBoard& board = *static_cast<const PoolBoard*>(*base);
    std::uint32_t places = 0;
    const Errc verdict = check_board(board.header, mapped, places);
    Result<PoolReport> report = verdict == Errc::ok ? report_of(board, places, workers, room)
                                                    : Result<PoolReport>(verdict);
    port::unmap(*base, mapped);
    return report;
}

/// Callers hold an ObjectGuard. not_found: there is none, or it was dead, and is no more.
Result<PoolReport> look_at(const char* name, WorkerStats* workers, std::size_t room) noexcept {
    const Result<port::Fd> object = port::open_object(name, true);
    if (!object.ok()) { return object.error(); }
    const Result<bool> is_ours = port::object_is_ours_alone(*object);
    Result<PoolReport> report = Errc::not_found;
    if (!is_ours.ok()) {
        report = is_ours.error();
    } else if (!*is_ours) {
        report = Errc::not_permitted;
    } else if (!remove_if_left(name, *object)) {
        report = read_object(*object, workers, room);
    }
    port::close(*object);
    return report;
}

}  // namespace

Errc check_board(const SegmentHeader& header, std::uint64_t object_bytes,
                 std::uint32_t& places) noexcept {
    const std::uint32_t magic = header.magic.load(std::memory_order_acquire);
    if (magic == 0 || magic == kMagicMaking) { return Errc::not_ready; }
    if (magic != kMagicReady) { return Errc::corrupt; }
    const SegmentFields fields = read_fields(header);
    if (fields.layout_version != kLayoutVersion) { return Errc::version_mismatch; }
    const bool is_board = fields.kind == static_cast<std::uint16_t>(SegmentKind::pool) &&
                          fields.header_bytes == PoolBoard::kWorkersAt &&
                          fields.element_bytes == sizeof(WorkerStats) && fields.count >= 1 &&
                          fields.count <= PoolOptions::kWorkersMax;
    if (!is_board) { return Errc::corrupt; }
    const std::uint64_t bytes = PoolBoard::bytes_for(static_cast<std::size_t>(fields.count));
    if (fields.total_bytes != bytes || bytes > object_bytes) { return Errc::corrupt; }
    places = static_cast<std::uint32_t>(fields.count);
    return Errc::ok;
}

}  // namespace detail

Result<std::size_t> PoolView::list(PoolView* list, std::size_t room) noexcept {
    struct Found {
        PoolView* list;
        std::size_t room, count;
        Status trouble;
    } found{list, room, 0, Errc::ok};
    const auto visit = [](void* context, const char* name) {
        Found& so_far = *static_cast<Found*>(context);
        const Result<PoolView> view = open(name);
        if (view.code() == Errc::too_many_files) { so_far.trouble = view.status(); }
        if (view.ok() && so_far.count++ < so_far.room) { so_far.list[so_far.count - 1] = *view; }
        return so_far.trouble.ok();
    };
    const Status listed = port::list_objects(detail::kBoardPrefix, visit, &found);
    if (!listed.ok()) { return listed.error(); }
    return found.trouble.ok() ? Result<std::size_t>(found.count) : found.trouble.error();
}

Result<PoolView> PoolView::open(const char* name) noexcept {
    const Status good = detail::check_name(name);
    if (!good.ok()) { return good.error(); }
    if (!detail::begins_with(name, detail::kBoardPrefix)) { return Errc::bad_argument; }
    PoolView view;
    if (!view.object_.append(name)) { return Errc::bad_argument; }
    const Result<PoolReport> report = view.read();
    if (!report.ok()) { return report.error(); }
    return view;
}

Result<PoolReport> PoolView::read(WorkerStats* workers, std::size_t room) const noexcept {
    if (object_.empty()) { return Errc::not_found; }
    const detail::ObjectGuard guard(port::kNever);
    if (!guard.status().ok()) { return guard.status().error(); }
    return detail::look_at(object_.c_str(), workers, workers == nullptr ? 0 : room);
}

}  // namespace v0
}  // namespace brood
