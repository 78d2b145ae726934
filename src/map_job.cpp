// Maps that go on while the host waits: chunks out, results in.
#include "pool_blocks.hpp"
#include "pool_follow.hpp"
#include "pool_pollable.hpp"
#include "pool_slots.hpp"

#include <utility>

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

std::size_t items_of(const MapJob& job, std::size_t left) noexcept {
    return left < job.plan.items ? left : job.plan.items;
}

/// Whether some task in the table may still end by itself, and make room.
bool anything_runs(PoolCore& core) noexcept {
    for (std::uint32_t i = 0; i < core.shared->capacity; ++i) {
        const std::uint32_t word = core.shared->slot(i).state.load(std::memory_order_acquire);
        if (state_of(word) != TaskState::free && !has_ended(word)) { return true; }
    }
    return false;
}

void note_error(MapJob& job, const Error& error) noexcept {
    if (job.first_error.code() == Errc::ok) { job.first_error = error; }
}

/// Copies `count` things of `bytes` bytes, which are `from_step` and `to_step` apart.
void copy_items(unsigned char* to, std::size_t to_step, const unsigned char* from,
                std::size_t from_step, std::size_t bytes, std::size_t count) noexcept {
    if (to_step == bytes && from_step == bytes) {
        bytes *= count;
        count = 1;
    }
    for (; count > 0; --count, to += to_step, from += from_step) {
        __builtin_memcpy(to, from, bytes);
    }
}

/// It sends no more.
void stop_sending(MapJob& job) noexcept {
    PoolCore& core = *job.core;
    const HostMutexHold hold(core.mutex);
    if (!std::exchange(job.keeps_open, false)) { return; }
    if (--core.unpublished == 0 && core.closed) { begin_closing(core); }
}

/// Whether a chunk of so many elements needs a block.
bool is_large(const MapJob& job, std::size_t items) noexcept {
    return job.shape.header + std::uint64_t{items} * job.shape.item > pool_payload_bytes(job.core);
}

/// The slot's chunk is made and sent. Errors: as pool_add_block().
Status fill(MapJob& job, Ticket ticket, std::size_t items) noexcept {
    auto* place = static_cast<unsigned char*>(pool_payload(job.core, ticket));
    const bool large = is_large(job, items);
    if (large) {
        const std::uint64_t many = items, bytes = job.shape.header + many * job.shape.item;
        const Result<Block> block = job.add_block(job.core, ticket, many * job.output_bytes, bytes);
        if (!block.ok()) { return block.error(); }
        place = block->call;
    }
    const auto count = static_cast<std::uint32_t>(items);
    __builtin_memcpy(place, job.header, job.shape.header);
    __builtin_memcpy(place + job.count_at, &count, sizeof count);
    copy_items(place + job.shape.header, job.shape.item, job.inputs + job.sent * job.input_bytes,
               job.input_bytes, job.input_bytes, items);
    pool_publish(job.core, ticket, large ? job.run_block : job.run);
    return Errc::ok;
}

/// Copies the results of an ended chunk.
void take_results(MapJob& job, Ticket ticket, std::size_t items) noexcept {
    const auto* from = static_cast<const unsigned char*>(pool_payload(job.core, ticket));
    std::size_t step = job.output_bytes;
    if (is_large(job, items)) {
        from = job.core->blocks->results(ticket.slot);
    } else {
        from += job.shape.header;
        step = job.shape.item;
    }
    copy_items(job.outputs + job.collected * job.output_bytes, job.output_bytes, from, step,
               job.output_bytes, items);
}

/// Sends the next chunk. Not by pool_reserve(): close() comes after what the job has left.
Status send_one(MapJob& job) noexcept {
    Ticket ticket;
    Status status;
    {
        const HostMutexHold hold(job.core->mutex);
        status = take_slot(*job.core, ticket);
    }
    const std::size_t items = items_of(job, job.count - job.sent);
    if (!status.ok()) { return status; }
    job.plan.give(job.core, ticket);
    status = fill(job, ticket, items);
    if (!status.ok()) { return status; }
    (job.flying++ == 0 ? job.head : job.core->note[job.tail].next) = ticket.slot;
    job.tail = ticket.slot;
    job.sent += items;
    return status;
}

void send(MapJob& job) noexcept {
    job.is_stuck = false;
    while (job.sent < job.count && job.flying < job.plan.window) {
        Status sent = send_one(job);
        if (sent.code() == Errc::full && job.flying == 0 && !anything_runs(*job.core)) {
            // What ended between the two, forgotten, has made room.
            sent = send_one(job);
            job.is_stuck = sent.code() == Errc::full && !anything_runs(*job.core);
        }
        if (sent.ok()) { continue; }
        if (sent.code() == Errc::full) { return; }
        note_error(job, sent.error());
        job.count = job.sent;  // The rest is given up.
        break;
    }
    if (job.sent == job.count) { stop_sending(job); }
}

/// Takes the results of the oldest chunks, as far as they have ended.
void collect(MapJob& job) noexcept {
    const Errc over = why_over(*job.core);
    while (job.flying > 0) {
        const Ticket oldest{job.head};
        const bool ended = pool_ended(job.core, oldest);
        if (!ended && over == Errc::ok) { return; }
        const Status outcome = ended ? pool_outcome(job.core, oldest) : Status(over);
        const std::size_t items = items_of(job, job.sent - job.collected);
        if (outcome.ok()) {
            take_results(job, oldest, items);
        } else {
            note_error(job, outcome.error());
        }
        job.collected += items;
        --job.flying;
        job.head = job.core->note[job.head].next;
        pool_drop(job.core, oldest);
    }
}

MapJob** link_to(MapJob& job) noexcept {
    MapJob** link = &job.core->jobs;
    while (*link != &job) { link = &(*link)->next; }
    return link;
}

bool has_job_ended(void* context) noexcept {
    MapJob& job = *static_cast<MapJob*>(context);
    PoolCore& core = *job.core;
    Callback callback{};
    bool is_news = false, has_ended = false;
    {
        const BellMutexHold hold(core.follow_mutex);
        is_news = job.is_at_work && carry_on(job, callback);
        has_ended = !job.is_at_work || job.is_stuck;
    }
    if (is_news) { tell(core, callback, {job.outputs, job.count}, job.first_error); }
    return has_ended;
}

}  // namespace

bool carry_on(MapJob& job, Callback& callback) noexcept {
    collect(job);
    send(job);
    if (job.flying > 0 || job.sent < job.count) { return false; }
    job.is_at_work = false;
    *link_to(job) = job.next;
    callback = job.callback;
    return true;
}

Status map_job_start(MapJob& job, const MapOptions& options) noexcept {
    PoolCore* const core = std::exchange(job.core, nullptr);
    const Status planned = job.plan.make(core, options, job.shape, job.count);
    if (!planned.ok()) { return planned; }
    {
        const HostMutexHold hold(core->mutex);
        if (core->closed) { return Errc::pool_closed; }
        ++core->unpublished;
        ++core->in_use;
        begin_following(*core);
    }
    const BellMutexHold hold(core->follow_mutex);
    job.core = core;
    job.keeps_open = job.is_at_work = true;
    job.next = std::exchange(core->jobs, &job);
    send(job);
    if (core->pollable() != nullptr && job.flying == 0) {  // No chunk's end will tell.
        const HostMutexHold hold_core(core->mutex);
        core->pollable()->recall(*core);
    }
    return Errc::ok;
}

Errc map_job_wait(MapJob& job, Timeout timeout) noexcept {
    const Errc waited = pool_watch(job.core, &has_job_ended, &job, timeout);
    switch (waited) {
        case Errc::timed_out:
        case Errc::timeout_negative:
        case Errc::timeout_overflow:
        case Errc::wrong_process: return waited;
        default: break;
    }
    // The pool may be over by now, and with it the job.
    if (!has_job_ended(&job)) { return waited; }
    return job.is_at_work ? Errc::full : Errc::ok;
}

Errc map_job_follow(MapJob& job, const Callback& callback) noexcept {
    if (!job.core->is_host()) { return Errc::wrong_process; }
    {
        const BellMutexHold hold(job.core->follow_mutex);
        if (job.callback.run != nullptr) { return Errc::bad_argument; }
        job.callback = callback;
        if (job.is_at_work) { return Errc::ok; }
    }
    const MapResult result{job.outputs, job.count};
    job.callback.run(job.callback, &result, job.first_error);
    return Errc::ok;
}

void map_job_move(MapJob& from, MapJob& to) noexcept {
    if (from.core == nullptr || !from.core->is_host()) {
        to = std::exchange(from, MapJob());
        return;
    }
    const BellMutexHold hold(from.core->follow_mutex);
    if (from.is_at_work) { *link_to(from) = &to; }
    to = from;
    from = MapJob();
}

void map_job_drop(MapJob& job) noexcept {
    PoolCore* const core = job.core;
    if (core == nullptr || !core->is_host()) {
        job = MapJob();
        return;
    }
    {
        const BellMutexHold hold(core->follow_mutex);
        if (job.is_at_work) {
            *link_to(job) = job.next;
            core->following.fetch_sub(1, std::memory_order_relaxed);
        }
        for (; job.flying > 0; --job.flying) {
            const Ticket ticket{job.head};
            job.head = core->note[job.head].next;
            pool_drop(core, ticket);
        }
        stop_sending(job);
        job = MapJob();
    }
    pool_detach(core);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
