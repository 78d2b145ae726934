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
/// What is taken is the host's to do or the workers'; up to Area::kItems are in flight. A worker
/// that dies has its item done again once, by another one (the pool's retries).
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

    /// Of an item: what the host alone knows.
    struct Flight {
        bool submitted;
        std::uint32_t large;  // of piece and finish
        brood::Future<Outcome> future;
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
    bool add(Kind kind, const char* source, const char* target) noexcept;
    bool add_large(const char* source, const char* target) noexcept;
    bool add_pieces(const char* source, const char* target, const Large& large,
                    std::uint32_t index) noexcept;
    bool find_free(std::uint32_t& index) noexcept;
    void submit(std::uint32_t number) noexcept;
    bool is_done(std::uint32_t number, Outcome& outcome) noexcept;
    bool take(Flight& flight, const Item& item, Outcome& outcome) noexcept;
    bool is_finished(std::uint32_t number, Outcome& outcome) noexcept;
    bool deliver_done() noexcept;
    void deliver(const Item& item, const Outcome& outcome) noexcept;
    void tell(const Item& item, const char* source, const char* target,
              const Outcome& outcome) noexcept;
    void release(Pieces& pieces) noexcept;
    void wait_for_some() noexcept;
    Flight& flight(std::uint32_t number) noexcept { return flights_[number % Area::kItems]; }

    const Options& options_;
    Output& output_;
    Progress& progress_;

    brood::SharedMemory memory_;
    Area* area_ = nullptr;
    brood::Pool pool_;
    brood::Status status_;
    bool is_full_ = false;  // the disk

    // Items first_ ... next_ - 1 are in flight.
    std::uint32_t first_ = 0, next_ = 0;
    std::uint32_t paths_end_ = 0;  // in the ring of paths
    Pieces larges_[kLargeMax];
    Flight flights_[Area::kItems];
};

}  // namespace tool::copy

#endif
