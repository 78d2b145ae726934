#include <tools/copy/pipeline.hpp>

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <tools/copy/content.hpp>
#include <tools/copy/result.hpp>
#include <tools/copy/system.hpp>
#include <tools/stop.hpp>

namespace tool::copy {
namespace {

bool is_disk_full(const Outcome& outcome) noexcept {
    return outcome.at_target && (outcome.error == ENOSPC || outcome.error == EDQUOT);
}

}  // namespace

Pipeline::Pipeline(const Options& options, Output& output, Progress& progress) noexcept
    : options_(options), output_(output), progress_(progress) {}

brood::Status Pipeline::start() noexcept {
    brood::Result<brood::SharedMemory> memory = brood::SharedMemory::anonymous(sizeof(Area));
    if (!memory.ok()) { return memory.error(); }
    memory_ = std::move(*memory);
    area_ = static_cast<Area*>(memory_.data());
    g_work = {area_, new_run(), &options_};

    brood::Result<brood::Pool> pool =
        brood::Pool::create(brood::PoolOptions().workers(options_.workers).capacity(Area::kItems));
    if (!pool.ok()) { return pool.error(); }
    pool_ = std::move(*pool);
    return brood::Errc::ok;
}

bool Pipeline::may_go_on() const noexcept {
    return status_.ok() && !is_full_ && !output_.failed() && stop_signal() == 0;
}

// ---- In --------------------------------------------------------------------------------------

bool Pipeline::add_file(const char* source, const char* target, std::uint64_t bytes) noexcept {
    struct stat status;
    const bool large = bytes >= kLargeBytes &&
                       !(lstat(source, &status) == 0 && is_present(target, status));
    return large ? add_large(source, target) : add(Kind::file, source, target, bytes);
}

bool Pipeline::add_other(const char* source, const char* target) noexcept {
    return add(Kind::other, source, target, 0);
}

bool Pipeline::add_link(const char* first, const char* target) noexcept {
    submit_open();
    if (put(Kind::link, first, target) == nullptr) { return false; }
    open_ = next_;
    return may_go_on();
}

bool Pipeline::add_folder(const char* source, const char* target) noexcept {
    submit_open();
    if (put(Kind::folder, source, target) == nullptr) { return false; }
    open_ = next_;
    return may_go_on();
}

bool Pipeline::add(Kind kind, const char* source, const char* target,
                   std::uint64_t bytes) noexcept {
    if (!is_of_open_batch(target)) { submit_open(); }
    if (put(kind, source, target) == nullptr) { return false; }
    open_bytes_ += bytes;
    if (next_ - open_ == kBatchFiles || open_bytes_ >= kBatchBytes) { submit_open(); }
    return may_go_on();
}

/// Whether it goes into the same folder.
bool Pipeline::is_of_open_batch(const char* target) const noexcept {
    if (open_ == next_) { return true; }
    const char* const other = area_->target(area_->item(open_));
    const std::size_t length = folder_length(target);
    return length == folder_length(other) && std::strncmp(target, other, length) == 0;
}

/// The workers copy pieces of it; when all are there, one of them does what is left.
bool Pipeline::add_large(const char* source, const char* target) noexcept {
    std::uint32_t index = 0;
    submit_open();
    if (!find_free(index)) { return false; }
    // Its first item, whichever that will be, has this number.
    const std::uint32_t number = next_;
    const Large large = begin_large(source, target, Temporary(target, g_work.run, number));
    if (!large.outcome.is_well()) {
        Item item = {};
        tell(item, source, target, large.outcome);
        return may_go_on();
    }
    larges_[index] = {large.to, false};
    bool go_on = large.is_whole || add_pieces(source, target, large, index);
    close(large.from);
    Item* const finish = go_on ? put(Kind::finish, source, target) : nullptr;
    if (finish == nullptr) {
        Temporary(target, g_work.run, number).remove();
        return false;
    }
    finish->number = number;
    finish->end = large.status.st_size;
    finish->modified = large.status.st_mtim;
    finish->inode = large.status.st_ino;
    flight(next_ - 1).large = index;
    open_ = next_;
    return may_go_on();
}

bool Pipeline::add_pieces(const char* source, const char* target, const Large& large,
                          std::uint32_t index) noexcept {
    const std::uint32_t number = next_;
    const bool sparse = is_sparse(large.status);
    const off_t size = large.status.st_size;
    for (off_t at = 0; at < size;) {
        const off_t data = sparse ? system::next_data(large.from, at, size) : at;
        if (data == size) { break; }
        Item* const piece = put(Kind::piece, source, target);
        if (piece == nullptr) { return false; }
        piece->number = number;
        piece->begin = data;
        piece->end = std::min(size, data + kPieceBytes);
        at = piece->end;
        flight(next_ - 1).large = index;
        submit_open();
    }
    return true;
}

bool Pipeline::find_free(std::uint32_t& index) noexcept {
    for (;;) {
        for (index = 0; index < kLargeMax; ++index) {
            if (larges_[index].fd < 0) { return true; }
        }
        if (!may_go_on()) { return false; }
        if (!deliver_done()) { wait_for_some(); }
    }
}

/// Room for an item with such paths.
bool Pipeline::make_room(std::size_t path_bytes) noexcept {
    std::uint32_t at = 0;
    deliver_done();
    while (next_ - first_ == Area::kItems || !find_place(path_bytes, at)) {
        submit_open();
        if (!may_go_on()) { return false; }
        if (!deliver_done()) { wait_for_some(); }
    }
    return may_go_on();
}

/// Paths lie one behind the other, in the order of the items, and begin anew at the front when the
/// end is near. One byte at least stays free, so that full and empty look different.
bool Pipeline::find_place(std::size_t bytes, std::uint32_t& at) const noexcept {
    const std::uint32_t begin = first_ == next_ ? paths_end_ : area_->item(first_).path_at;
    const bool in_one_piece = paths_end_ >= begin;
    if (in_one_piece && bytes <= Area::kPathsBytes - paths_end_) {
        at = paths_end_;
        return true;
    }
    at = in_one_piece ? 0 : paths_end_;
    return bytes < begin - at;
}

Item* Pipeline::put(Kind kind, const char* source, const char* target) noexcept {
    const std::size_t length = std::strlen(source), bytes = length + std::strlen(target) + 2;
    if (!make_room(bytes)) { return nullptr; }
    Item& item = area_->item(next_);
    item = {};
    item.kind = kind;
    item.number = next_;
    static_cast<void>(find_place(bytes, item.path_at));
    item.source_length = static_cast<std::uint32_t>(length);
    char* const to = area_->paths + item.path_at;
    std::memcpy(to, source, length + 1);
    std::memcpy(to + length + 1, target, bytes - length - 1);
    paths_end_ = item.path_at + static_cast<std::uint32_t>(bytes);
    flight(next_).last = next_;
    flight(next_).is_begun = false;
    ++next_;
    return &item;
}

void Pipeline::submit_open() noexcept {
    if (open_ == next_) { return; }
    submit(open_, next_ - 1);
    open_ = next_;
    open_bytes_ = 0;
}

void Pipeline::submit(std::uint32_t first, std::uint32_t last) noexcept {
    for (std::uint32_t number = first; number != last + 1; ++number) { flight(number).last = last; }
    brood::Result<brood::Future<void>> future = pool_.apply_async(do_items, first, last);
    if (future.ok()) {
        flight(last).batch = std::move(*future);
    } else {
        status_ = future.status();
    }
}

// ---- Out -------------------------------------------------------------------------------------

bool Pipeline::drain() noexcept {
    submit_open();
    while (first_ != next_ && may_go_on()) {
        if (!deliver_done()) { wait_for_some(); }
    }
    output_.flush();
    return may_go_on();
}

/// Whether any were.
bool Pipeline::deliver_done() noexcept {
    const std::uint32_t before = first_;
    Outcome outcome;
    while (first_ != next_ && may_go_on() && is_done(first_, outcome)) {
        deliver(area_->item(first_), outcome);
        flight(first_).batch = {};
        ++first_;
    }
    progress_.show(__atomic_load_n(&area_->files_done, __ATOMIC_RELAXED),
                   __atomic_load_n(&area_->kib_done, __ATOMIC_RELAXED));
    return first_ != before;
}

/// Of the first in flight: all before it are done.
bool Pipeline::is_done(std::uint32_t number, Outcome& outcome) noexcept {
    const Item& item = area_->item(number);
    switch (item.kind) {
        case Kind::link:
            outcome = make_link(item);
            __atomic_fetch_add(&area_->files_done, 1u, __ATOMIC_RELAXED);
            return true;
        case Kind::folder: outcome = finish_folder(item); return true;
        case Kind::finish: return is_finished(number, outcome);
        default: return take(number, outcome);
    }
}

/// A large file whose pieces are there, or failed, which was told then.
bool Pipeline::is_finished(std::uint32_t number, Outcome& outcome) noexcept {
    Flight& finish = flight(number);
    if (larges_[finish.large].failed) {
        outcome = {Outcome::End::given_up, 0, false};
        return true;
    }
    if (!finish.is_begun) {
        finish.is_begun = true;
        submit(number, number);
    }
    return take(number, outcome);
}

bool Pipeline::take(std::uint32_t number, Outcome& outcome) noexcept {
    const Item& item = area_->item(number);
    brood::Future<void>& batch = batch_of(number);
    if (!item.is_done() && !batch.ready()) { return false; }
    if (!item.is_done()) {  // Nor will it be.
        const brood::Status ended = batch.get();
        if (ended.code() == brood::Errc::worker_died) {
            return recover(number, static_cast<int>(ended.error().detail()), outcome);
        }
        status_ = ended;
        return false;
    }
    outcome = item.outcome;
    return true;
}

/// The worker died at this item, the first of its batch that is not done. True if that was the last
/// time.
bool Pipeline::recover(std::uint32_t number, int exit_code, Outcome& outcome) noexcept {
    Item& item = area_->item(number);
    const std::uint32_t last = flight(number).last;
    const bool gives_up = ++item.deaths == kDeathsMax;
    if (gives_up) {
        temporary_of(item).remove();
        outcome = {Outcome::End::died, exit_code, false};
    }
    if (!gives_up || number != last) { submit(number + (gives_up ? 1 : 0), last); }
    return gives_up;
}

void Pipeline::deliver(const Item& item, const Outcome& outcome) noexcept {
    const char *const source = area_->source(item), *const target = area_->target(item);
    if (item.kind != Kind::piece && item.kind != Kind::finish) {
        return tell(item, source, target, outcome);
    }
    Pieces& pieces = larges_[flight(first_).large];
    const bool is_last = item.kind == Kind::finish;
    if (!pieces.failed && (is_last || !outcome.is_well())) { tell(item, source, target, outcome); }
    if (!outcome.is_well()) {
        pieces.failed = true;
        temporary_of(item).remove();
    }
    if (is_last) { release(pieces); }
}

void Pipeline::tell(const Item& item, const char* source, const char* target,
                    const Outcome& outcome) noexcept {
    if (!outcome.is_well()) { complain_of(output_, source, target, item.kind, outcome); }
    const bool shown = outcome.end == Outcome::End::copied && item.kind != Kind::folder;
    if (shown && options_.verbose) { print_copied(output_, source, target); }
    if (!is_full_ && is_disk_full(outcome)) {
        is_full_ = true;
        output_.warn("stopped there; to go on when there is room, run the same again");
    }
}

void Pipeline::release(Pieces& pieces) noexcept {
    close(pieces.fd);
    pieces = {};
}

/// Sleeps until a good part of what is in flight may be done, but not for long: then results,
/// progress and signals are looked at again. To wait for each single item would cost a change of
/// process for each.
void Pipeline::wait_for_some() noexcept {
    output_.flush();
    if (first_ == next_ || !status_.ok()) { return; }
    constexpr std::int64_t kLookMs = 20;
    brood::Future<void>& later = batch_of(first_ + (next_ - first_ - 1) / 4);
    brood::Future<void>& first = batch_of(first_);
    const bool waits_later = later.successful().code() == brood::Errc::not_done;
    const brood::Status waited = (waits_later ? later : first).wait(brood::milliseconds(kLookMs));
    if (!waited.ok() && waited.code() != brood::Errc::timed_out) { status_ = waited; }
}

void Pipeline::stop() noexcept {
    if (first_ == next_ && pool_.close().ok() && pool_.join(brood::seconds(1)).ok()) { return; }
    pool_.terminate().ignore();
    for (; first_ != next_; ++first_) { temporary_of(area_->item(first_)).remove(); }
    for (Pieces& pieces : larges_) {
        if (pieces.fd >= 0) { release(pieces); }
    }
}

}  // namespace tool::copy
