// The output of jobs on its way to that of brood: what has come is held until its turn.
#ifndef BROOD_TOOLS_RUN_OUTPUT_HPP
#define BROOD_TOOLS_RUN_OUTPUT_HPP

#include <cstddef>
#include <cstdint>

namespace tool::run {

/// Bytes in their order: some KiB in memory, more in a file without a name.
class Held {
public:
    Held() noexcept = default;
    ~Held();
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

    /// False: the file cannot be made or written; errno says why.
    bool append(const char* text, std::size_t bytes) noexcept;
    /// The first bytes, up to `room`, which stay. 0: there are none; -1: as append().
    std::ptrdiff_t look(char* to, std::size_t room) noexcept;
    void drop(std::size_t bytes) noexcept;
    std::uint64_t size() const noexcept { return filed_ - dropped_filed_ + in_memory_; }
    void clear() noexcept;

private:
    bool write_to_file(const char* text, std::size_t bytes) noexcept;

    static constexpr std::size_t kMemoryBytes = 8192;
    char* memory_ = nullptr;
    std::size_t in_memory_ = 0;
    int file_ = -1;
    std::uint64_t filed_ = 0, dropped_filed_ = 0;  // The file's bytes come before those in memory.
};

class Outlet;

/// What a job writes to one of its two outputs.
class Stream {
public:
    Stream() noexcept = default;
    ~Stream() { close(); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// A pipe: its end for the job, to be closed once that has been started; -1: none can be made.
    int open() noexcept;
    /// The end to poll, -1 if it is closed, or not to be read now.
    int source() const noexcept { return is_waiting() ? -1 : source_; }
    /// Reads what is there. `by_line`: what is whole lines of it may go on to the outlet.
    /// False: it cannot be held; errno says why.
    bool read(bool by_line) noexcept;
    /// The job has ended: reads the rest, all of which may go on, and closes the pipe.
    bool finish() noexcept;
    /// Adds a line of brood's own.
    bool add_line(const char* text) noexcept;
    /// Forgets all, as if the job had not been.
    void reset() noexcept;

    /// Some of it is in an outlet's queue.
    bool is_waiting() const noexcept { return outlet_ != nullptr; }
    /// Nothing that may go out is left.
    bool is_written() const noexcept { return ready_ == 0 && outlet_ == nullptr; }
    std::uint64_t received() const noexcept { return received_; }

private:
    friend class Outlet;
    void close() noexcept;
    bool take(const char* text, std::size_t bytes, bool by_line) noexcept;

    int source_ = -1;
    Held held_;
    std::uint64_t ready_ = 0;     // of what is held may go out
    std::uint64_t received_ = 0;  // since the job began
    Outlet* outlet_ = nullptr;    // in whose queue it is
    Stream* next_ = nullptr;
};

/// One of brood's two outputs. Streams come to it one after the other, each whole.
class Outlet {
public:
    explicit Outlet(int fd) noexcept;

    /// What of the stream is ready will be written, after that of those who came before.
    void add(Stream& stream) noexcept;
    /// Writes as much as can be without waiting.
    void write() noexcept;
    bool is_busy() const noexcept { return first_ != nullptr; }
    int fd() const noexcept { return fd_; }
    /// The errno with which it failed; 0: it did not. All that comes after is dropped.
    int error() const noexcept { return error_; }
    void give_up(int error) noexcept;

private:
    bool takes_some() const noexcept;
    void pop() noexcept;

    int fd_, error_ = 0;
    std::size_t piece_;  // can be written without waiting if it polls ready
    std::uint64_t left_ = 0;
    Stream *first_ = nullptr, *last_ = nullptr;
};

}  // namespace tool::run

#endif
