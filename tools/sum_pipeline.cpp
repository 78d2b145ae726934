#include <tools/sum_pipeline.hpp>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include <tools/stop.hpp>

namespace tool {

SumPipeline::SumPipeline(Output& output, Progress& progress, Deliver deliver,
                         void* context) noexcept
    : output_(output), progress_(progress), deliver_(deliver), context_(context) {}

brood::Status SumPipeline::start(std::uint32_t workers) noexcept {
    brood::Result<brood::SharedMemory> memory = brood::SharedMemory::anonymous(sizeof(SumArea));
    if (!memory.ok()) { return memory.error(); }
    memory_ = std::move(*memory);
    area_ = static_cast<SumArea*>(memory_.data());
    set_sum_area(area_);
    sha256::best();  // The workers inherit the choice.

    brood::Result<brood::Pool> pool =
        brood::Pool::create(brood::PoolOptions().workers(workers).capacity(kBatches));
    if (!pool.ok()) { return pool.error(); }
    pool_ = std::move(*pool);
    return brood::Errc::ok;
}

bool SumPipeline::may_go_on() const noexcept {
    return status_.ok() && !output_.failed() && stop_signal() == 0;
}

// ---- Files in --------------------------------------------------------------------------------

bool SumPipeline::add(const char* path, std::size_t length, std::uint64_t bytes,
                      bool followed) noexcept {
    const bool big = bytes >= kBatchBytes;
    if (big) { submit_open(); }
    if (!make_room(length)) { return false; }
    put(path, length, followed);
    open_bytes_ += bytes;
    if (next_ - open_ == kBatchFiles || open_bytes_ >= kBatchBytes) { submit_open(); }
    return may_go_on();
}

bool SumPipeline::add_stream(const char* path) noexcept {
    submit_open();  // The workers have something to do meanwhile.
    const bool is_input = std::strcmp(path, "-") == 0;
    const int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    Digest digest = {};
    const int error = fd < 0 ? errno : sum_stream(fd, digest);
    if (!is_input && fd >= 0) { close(fd); }
    const FileState state = error == 0 ? FileState::hashed : FileState::failed;
    return put_result(path, std::strlen(path), state, error, digest);
}

bool SumPipeline::add_failure(const char* path, std::size_t length, int error) noexcept {
    return put_result(path, length, FileState::failed, error, Digest());
}

/// Puts a file that needs no worker, as a batch of its own, to keep the order.
bool SumPipeline::put_result(const char* path, std::size_t length, FileState state, int error,
                             const Digest& digest) noexcept {
    submit_open();
    if (!make_room(length)) { return false; }
    FileSlot& file = put(path, length, true);
    file.digest = digest;
    file.error = error;
    file.state = state;
    Batch& own = batch(next_batch_++);
    own.first = open_;
    own.count = 1;
    own.submitted = false;
    open_ = next_;
    return may_go_on();
}

/// Room for a file and for the batch that it may open.
bool SumPipeline::make_room(std::size_t length) noexcept {
    std::uint32_t at = 0;
    while (next_ - first_ == SumArea::kFiles || next_batch_ - first_batch_ == kBatches ||
           !find_place(length + 1, at)) {
        submit_open();
        if (!may_go_on()) { return false; }
        if (!deliver_done()) { wait_for_some(); }
    }
    return may_go_on();
}

/// Paths lie one behind the other, in the order of the files, and begin anew at the front when the
/// end is near. One byte at least stays free, so that full and empty look different.
bool SumPipeline::find_place(std::size_t bytes, std::uint32_t& at) const noexcept {
    const std::uint32_t begin = first_ == next_ ? paths_end_ : area_->file(first_).path_at;
    const bool in_one_piece = paths_end_ >= begin;
    if (in_one_piece && bytes <= SumArea::kPathsBytes - paths_end_) {
        at = paths_end_;
        return true;
    }
    at = in_one_piece ? 0 : paths_end_;
    return bytes < begin - at;
}

/// The caller has made room.
FileSlot& SumPipeline::put(const char* path, std::size_t length, bool followed) noexcept {
    FileSlot& file = area_->file(next_);
    static_cast<void>(find_place(length + 1, file.path_at));
    std::memcpy(area_->paths + file.path_at, path, length);
    area_->paths[file.path_at + length] = '\0';
    paths_end_ = file.path_at + static_cast<std::uint32_t>(length + 1);
    file.path_length = static_cast<std::uint32_t>(length);
    file.deaths = 0;
    file.followed = followed;
    file.state = FileState::waiting;
    ++next_;
    return file;
}

void SumPipeline::submit_open() noexcept {
    if (open_ == next_) { return; }
    Batch& whole = batch(next_batch_++);
    whole.first = open_;
    whole.count = next_ - open_;
    open_ = next_;
    open_bytes_ = 0;
    submit(whole, whole.first);
    deliver_done();
}

/// Submits what the batch holds from the file number `from` on.
void SumPipeline::submit(Batch& batch, std::uint32_t from) noexcept {
    const std::uint32_t count = batch.first + batch.count - from;
    brood::Result<brood::Future<void>> future = pool_.apply_async(sum_files, from, count);
    batch.submitted = future.ok();
    if (future.ok()) {
        batch.future = std::move(*future);
    } else {
        status_ = future.error();
    }
}

// ---- Results out -----------------------------------------------------------------------------

bool SumPipeline::drain() noexcept {
    submit_open();
    while (first_ != next_ && may_go_on()) {
        if (!deliver_done()) { wait_for_some(); }
    }
    return may_go_on();
}

/// Delivers what is done, in order. False if it was nothing.
bool SumPipeline::deliver_done() noexcept {
    const std::uint32_t before = first_batch_;
    while (first_batch_ != next_batch_ && may_go_on() && is_done(batch(first_batch_))) {
        deliver_batch(batch(first_batch_));
        ++first_batch_;
    }
    progress_.show(__atomic_load_n(&area_->files_done, __ATOMIC_RELAXED),
                   __atomic_load_n(&area_->kib_done, __ATOMIC_RELAXED));
    return first_batch_ != before;
}

bool SumPipeline::is_done(Batch& batch) noexcept {
    if (!batch.submitted) { return true; }
    if (!batch.future.ready()) { return false; }
    const brood::Status outcome = batch.future.get();
    if (outcome.ok()) { return true; }
    if (outcome.code() == brood::Errc::worker_died) {
        return recover(batch, static_cast<int>(outcome.error().detail()));
    }
    status_ = outcome;
    return false;
}

/// The worker died in this batch, in the first file that has no result. True if that leaves
/// nothing to be done again.
bool SumPipeline::recover(Batch& batch, int exit_code) noexcept {
    const std::uint32_t end = batch.first + batch.count;
    std::uint32_t number = batch.first;
    while (number != end && area_->file(number).state != FileState::waiting) { ++number; }
    if (number == end) { return true; }

    FileSlot& file = area_->file(number);
    if (++file.deaths == kDeathsMax) {
        file.error = exit_code;
        file.state = FileState::died;
        ++number;
    }
    if (number == end) { return true; }
    submit(batch, number);
    return false;
}

void SumPipeline::deliver_batch(const Batch& batch) noexcept {
    for (std::uint32_t i = 0; i < batch.count; ++i, ++first_) {
        const FileSlot& file = area_->file(first_);
        deliver_(context_,
                 {area_->paths + file.path_at, first_, file.state, file.error, file.digest});
    }
}

/// Sleeps until a good part of the batches may be done, but not for long: then results, progress
/// and signals are looked at again. To wait for each single batch would cost a change of process
/// for each.
void SumPipeline::wait_for_some() noexcept {
    output_.flush();
    if (first_batch_ == next_batch_) { return; }
    constexpr std::int64_t kLookMs = 20;
    const std::uint32_t ahead = (next_batch_ - first_batch_ - 1) / 4;
    Batch& later = batch(first_batch_ + ahead);
    Batch& first = batch(first_batch_);
    const bool later_is_ready = !later.submitted || later.future.ready();
    const brood::Status waited =
        (later_is_ready ? first : later).future.wait(brood::milliseconds(kLookMs));
    if (!waited.ok() && waited.code() != brood::Errc::timed_out) { status_ = waited; }
}

void SumPipeline::stop() noexcept {
    if (first_ == next_ && pool_.close().ok() && pool_.join(brood::seconds(1)).ok()) { return; }
    pool_.terminate().ignore();
}

}  // namespace tool
