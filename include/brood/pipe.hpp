// Pipe<T>: messages of one type over pipe(2), as multiprocessing.Pipe in Python.
#ifndef BROOD_PIPE_HPP
#define BROOD_PIPE_HPP

#include <type_traits>
#include <utility>

#include <brood/connection.hpp>

namespace brood {
inline namespace v0 {

/// One end of a Pipe<T>. See Receiver<T>, Sender<T>, Duplex<T> for what an end may do.
///
/// T up to PIPE_BUF (4096 bytes on Linux): a message is one write(2) and one read(2), no lock, no
/// header, as fast as the bare pipe; a kill leaves it sent whole or not at all. Larger T: as
/// Connection. All else (memory, fork, crash, SIGPIPE, threads) as Connection says.
template <class T>
class PipeEnd {
    static_assert(std::is_trivially_copyable_v<T>,
                  "a pipe carries bytes: use Text<N>, Bytes<N>, Pair, Tuple, a struct of plain "
                  "fields, or a Connection for bytes of any length");

public:
    /// Closes this end in this process. Closing twice is fine.
    void close() noexcept { connection_.close(); }
    int fileno() const noexcept { return connection_.fileno(); }
    /// The untyped end, for wait().
    const Connection& connection() const noexcept { return connection_; }

protected:
    PipeEnd() noexcept = default;
    explicit PipeEnd(Connection&& connection) noexcept : connection_(std::move(connection)) {}

    static Result<ConnectionPair> make(bool duplex) noexcept {
        return Connection::record_pipe(sizeof(T), duplex);
    }
    Status do_send(const T& message, Timeout timeout) noexcept {
        return connection_.send_record(&message, timeout);
    }
    Result<T> do_recv(Timeout timeout) noexcept {
        return Result<T>::filled_by([&](void* bytes) {
            const Status status = connection_.recv_record(bytes, timeout);
            // Nobody of ours sends another size: what follows cannot be trusted either.
            if (status.code() == Errc::bad_frame) { connection_.distrust(); }
            return status;
        });
    }
    Result<bool> do_poll(Timeout timeout) noexcept { return connection_.poll(timeout); }

private:
    Connection connection_;
};

/// The end that only receives.
template <class T>
class Receiver : public PipeEnd<T> {
public:
    Receiver() noexcept = default;
    explicit Receiver(Connection&& connection) noexcept : PipeEnd<T>(std::move(connection)) {}
    /// Blocks until there is a message. Returns: it; end_of_stream; timed_out; peer_died; closed;
    /// bad_frame (a stranger wrote into the pipe).
    Result<T> recv(Timeout timeout = Timeout::forever()) noexcept { return this->do_recv(timeout); }
    /// Whether recv() would find a message or the end of the stream within `timeout`.
    Result<bool> poll(Timeout timeout = Timeout::no_wait()) noexcept {
        return this->do_poll(timeout);
    }
};

/// The end that only sends.
template <class T>
class Sender : public PipeEnd<T> {
public:
    Sender() noexcept = default;
    explicit Sender(Connection&& connection) noexcept : PipeEnd<T>(std::move(connection)) {}
    /// Blocks until the message is in the pipe. Returns: ok; timed_out (not sent); broken_pipe;
    /// peer_died; closed.
    Status send(const T& message, Timeout timeout = Timeout::forever()) noexcept {
        return this->do_send(message, timeout);
    }
};

/// An end that does both.
template <class T>
class Duplex : public PipeEnd<T> {
public:
    Duplex() noexcept = default;
    explicit Duplex(Connection&& connection) noexcept : PipeEnd<T>(std::move(connection)) {}
    Result<T> recv(Timeout timeout = Timeout::forever()) noexcept { return this->do_recv(timeout); }
    Status send(const T& message, Timeout timeout = Timeout::forever()) noexcept {
        return this->do_send(message, timeout);
    }
    Result<bool> poll(Timeout timeout = Timeout::no_wait()) noexcept {
        return this->do_poll(timeout);
    }
};

/// Makes pipes for messages of type T:
///     auto [left, right] = Pipe<int>::duplex().expect("making a pipe");
///     auto [receiver, sender] = Pipe<int>::simplex().expect("making a pipe");
template <class T>
class Pipe : PipeEnd<T> {
public:
    struct DuplexPair {
        Duplex<T> left;
        Duplex<T> right;
    };
    struct SimplexPair {
        Receiver<T> receiver;
        Sender<T> sender;
    };

    /// What either end sends the other receives (two pipes). Errors: too_many_files, no_memory.
    static Result<DuplexPair> duplex() noexcept {
        Result<ConnectionPair> made = PipeEnd<T>::make(true);
        if (!made.ok()) { return made.error(); }
        return DuplexPair{Duplex<T>(std::move(made->first)), Duplex<T>(std::move(made->second))};
    }
    /// One direction. Errors: too_many_files, no_memory.
    static Result<SimplexPair> simplex() noexcept {
        Result<ConnectionPair> made = PipeEnd<T>::make(false);
        if (!made.ok()) { return made.error(); }
        return SimplexPair{Receiver<T>(std::move(made->first)), Sender<T>(std::move(made->second))};
    }
};

}  // namespace v0
}  // namespace brood

#endif
