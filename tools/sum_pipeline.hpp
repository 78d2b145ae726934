// SumPipeline: files go in, their digests come out in the same order; between, a pool hashes.
#ifndef BROOD_TOOLS_SUM_PIPELINE_HPP
#define BROOD_TOOLS_SUM_PIPELINE_HPP

#include <cstddef>
#include <cstdint>

#include <brood/pool.hpp>
#include <brood/shared_memory.hpp>
#include <tools/output.hpp>
#include <tools/progress.hpp>
#include <tools/sum_jobs.hpp>
#include <tools/sum_result.hpp>

namespace tool {

/// Small files travel in batches, so that they cost little; a big file goes by itself, so that
/// nothing waits behind it in the same worker.
///
/// Memory: the files in flight, at most SumArea::kFiles, in shared memory. While the first of them
///         is a huge file the workers go on with those behind it until the area is full; then they
///         wait for it.
/// Crash:  a killed worker costs nothing but time: its batch is submitted again. The file that it
///         was at is done again once; if that kills a worker too, its result is FileState::died.
class SumPipeline {
public:
    using Deliver = void (*)(void* context, const FileResult& result);

    /// Results will be given to `deliver`, in order, from within the calls below. While there is
    /// nothing else to do the output is flushed and the progress shown.
    SumPipeline(Output& output, Progress& progress, Deliver deliver, void* context) noexcept;

    /// Starts the workers. Errors: as Pool::create() and SharedMemory::anonymous().
    brood::Status start(std::uint32_t workers) noexcept;

    /// Takes a regular file (of `bytes`, as far as is known). Waits if the area is full.
    /// False: it is no use to go on (a signal, output that cannot be written, a broken pool).
    bool add(const char* path, std::size_t length, std::uint64_t bytes, bool followed) noexcept;
    /// Takes anything that can be read, "-" for standard input, and reads it here and now.
    bool add_stream(const char* path) noexcept;
    /// Takes a file whose result is an errno.
    bool add_failure(const char* path, std::size_t length, int error) noexcept;
    /// The number of the file that the next of these calls takes; at most SumArea::kFiles files
    /// before it are not delivered. Numbers count round.
    std::uint32_t next_number() const noexcept { return next_; }

    /// Waits until all is delivered. False: as above.
    bool drain() noexcept;
    /// Ends the workers: at once if something was left undone.
    void stop() noexcept;

    /// Why the pool is of no use any more; ok while it is.
    const brood::Status& status() const noexcept { return status_; }

private:
    static constexpr std::uint32_t kBatches = 2048;  // in flight
    static constexpr std::uint32_t kBatchFiles = 16;
    static constexpr std::uint64_t kBatchBytes = 256 * 1024;
    static constexpr std::uint32_t kDeathsMax = 2;

    struct Batch {
        std::uint32_t first, count;
        bool submitted;  // False: done in the host.
        brood::Future<void> future;
    };

    bool may_go_on() const noexcept;
    bool make_room(std::size_t length) noexcept;
    bool find_place(std::size_t bytes, std::uint32_t& at) const noexcept;
    FileSlot& put(const char* path, std::size_t length, bool followed) noexcept;
    bool put_result(const char* path, std::size_t length, FileState state, int error,
                    const Digest& digest) noexcept;
    void submit_open() noexcept;
    void submit(Batch& batch, std::uint32_t from) noexcept;
    bool is_done(Batch& batch) noexcept;
    bool recover(Batch& batch, int exit_code) noexcept;
    bool deliver_done() noexcept;
    void deliver_batch(const Batch& batch) noexcept;
    void wait_for_some() noexcept;
    Batch& batch(std::uint32_t number) noexcept { return batches_[number % kBatches]; }

    Output& output_;
    Progress& progress_;
    Deliver deliver_;
    void* context_;

    brood::SharedMemory memory_;
    SumArea* area_ = nullptr;
    brood::Pool pool_;
    brood::Status status_;

    // Files first_ ... next_ - 1 are in flight; those from open_ on are not in a batch yet.
    std::uint32_t first_ = 0, next_ = 0, open_ = 0;
    std::uint64_t open_bytes_ = 0;
    std::uint32_t paths_end_ = 0;  // in the ring of paths
    std::uint32_t first_batch_ = 0, next_batch_ = 0;
    Batch batches_[kBatches];
};

}  // namespace tool

#endif
