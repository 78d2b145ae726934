// What is copied, on its way through a pool of workers.
#ifndef BROOD_TOOLS_COPY_PIPELINE_HPP
#define BROOD_TOOLS_COPY_PIPELINE_HPP

#include <cstddef>
#include <cstdint>

#include <brood/pool.hpp>
#include <brood/shared_memory.hpp>
#include <tools/copy/work.hpp>
#include <tools/output.hpp>
#include <tools/progress.hpp>

namespace tool::copy {

/// Takes files, links and folders, has the workers copy them, and tells the results in the same
/// order: so a folder, which comes after what it holds, is finished after that, and a further name
/// of a file is made when the file is there.
///
/// Small files that are neighbours in a folder are done by one worker: two would only wait for each
/// other, as a folder takes one name at a time. When a worker dies, what it was at is done again
/// once.
/// Memory: the table of the pool and Area.
class Pipeline {
public:
    Pipeline(const Options& options, Output& output, Progress& progress) noexcept;

    /// Starts the workers. Errors: as Pool::create() and SharedMemory::anonymous().
    brood::Status start() noexcept;

    // False: it is no use to go on (a signal, output that cannot be written, a broken pool, a full
    // disk).
    /// A regular file of so many bytes, as far as is known.
    bool add_file(const char* source, const char* target, std::uint64_t bytes) noexcept;
    /// A link, a device, a pipe.
    bool add_other(const char* source, const char* target) noexcept;
    /// One more name for what was added with the target `first`.
    bool add_link(const char* first, const char* target) noexcept;
    /// A folder that is there; all that it holds was added before.
    bool add_folder(const char* source, const char* target) noexcept;
    bool may_go_on() const noexcept;

    /// Waits until all is done. False: as above.
    bool drain() noexcept;
    /// Ends the workers: at once if something was left undone, and then removes what is half done.
    void stop() noexcept;

    /// Why the pool is of no use any more; ok while it is.
    const brood::Status& status() const noexcept { return status_; }

private:
    static constexpr std::uint32_t kLargeMax = 16;  // in flight
    static constexpr std::uint64_t kLargeBytes = 32u << 20;
    static constexpr off_t kPieceBytes = 16 << 20;
    static constexpr std::uint32_t kBatchFiles = 256;
    static constexpr std::uint64_t kBatchBytes = 2u << 20;
    static constexpr std::uint32_t kDeathsMax = 2;

    /// Of an item: what the host alone knows.
    struct Flight {
        std::uint32_t last;         // of the batch that it is in
        std::uint32_t large;        // of piece and finish
        bool is_begun;              // of finish
        brood::Future<void> batch;  // of the last one
    };
    /// A large file in flight.
    struct Pieces {
        int fd = -1;  // holds the lock; -1: free
        bool failed = false;
    };

    bool make_room(std::size_t path_bytes) noexcept;
    bool find_place(std::size_t bytes, std::uint32_t& at) const noexcept;
    /// nullptr: as false.
    Item* put(Kind kind, const char* source, const char* target) noexcept;
    bool add(Kind kind, const char* source, const char* target, std::uint64_t bytes) noexcept;
    bool add_large(const char* source, const char* target) noexcept;
    bool add_pieces(const char* source, const char* target, const Large& large,
                    std::uint32_t index) noexcept;
    bool find_free(std::uint32_t& index) noexcept;
    bool is_of_open_batch(const char* target) const noexcept;
    void submit_open() noexcept;
    void submit(std::uint32_t first, std::uint32_t last) noexcept;
    bool is_done(std::uint32_t number, Outcome& outcome) noexcept;
    bool take(std::uint32_t number, Outcome& outcome) noexcept;
    bool recover(std::uint32_t number, int exit_code, Outcome& outcome) noexcept;
    bool is_finished(std::uint32_t number, Outcome& outcome) noexcept;
    bool deliver_done() noexcept;
    void deliver(const Item& item, const Outcome& outcome) noexcept;
    void tell(const Item& item, const char* source, const char* target,
              const Outcome& outcome) noexcept;
    void release(Pieces& pieces) noexcept;
    void wait_for_some() noexcept;
    brood::Future<void>& batch_of(std::uint32_t number) noexcept {
        return flight(flight(number).last).batch;
    }
    Flight& flight(std::uint32_t number) noexcept { return flights_[number % Area::kItems]; }

    const Options& options_;
    Output& output_;
    Progress& progress_;

    brood::SharedMemory memory_;
    Area* area_ = nullptr;
    brood::Pool pool_;
    brood::Status status_;
    bool is_full_ = false;  // the disk

    // Items first_ ... next_ - 1 are in flight; those from open_ on are not submitted yet.
    std::uint32_t first_ = 0, next_ = 0, open_ = 0;
    std::uint64_t open_bytes_ = 0;
    std::uint32_t paths_end_ = 0;  // in the ring of paths
    Pieces larges_[kLargeMax];
    Flight flights_[Area::kItems];
};

}  // namespace tool::copy

#endif
