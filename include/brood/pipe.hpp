// Pipe: messages of one type, or of two, over pipe(2), as multiprocessing.Pipe in Python.
#ifndef BROOD_PIPE_HPP
#define BROOD_PIPE_HPP

#include <cstddef>
#include <type_traits>
#include <utility>

#include <brood/connection.hpp>

namespace brood {
inline namespace v0 {

/// One end of a Pipe. See Receiver, Sender, Duplex for what an end may do.
///
/// Messages up to PIPE_BUF (4096 bytes on Linux), the longer kind of two: one write(2) and one
/// read(2) each, no lock, no header, as fast as the bare pipe; a kill leaves one sent whole or not
/// at all. Larger ones: as Connection. All else (memory, fork, crash, SIGPIPE, threads) as
/// Connection says.
class PipeEnd {
public:
    /// Closes this end in this process. Closing twice is fine.
    void close() noexcept { connection_.close(); }
    int fileno() const noexcept { return connection_.fileno(); }
    /// The untyped end, for wait().
    const Connection& connection() const noexcept { return connection_; }

protected:
    PipeEnd() noexcept = default;
    explicit PipeEnd(Connection&& connection) noexcept : connection_(std::move(connection)) {}

    static Result<ConnectionPair> make(std::size_t longest, bool duplex) noexcept {
        return Connection::record_pipe(longest, duplex);
    }
    template <class T>
    Status do_send(const T& message, Timeout timeout) noexcept {
        return connection_.send_record(&message, sizeof(T), timeout);
    }
    template <class T>
    Result<T> do_recv(Timeout timeout) noexcept {
        return Result<T>::filled_by([&](void* bytes) {
            const Status status = connection_.recv_record(bytes, sizeof(T), timeout);
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
class Receiver : public PipeEnd {
public:
    Receiver() noexcept = default;
    explicit Receiver(Connection&& connection) noexcept : PipeEnd(std::move(connection)) {}
    /// Blocks until there is a message. Returns: it; end_of_stream; timed_out; peer_died; closed;
    /// bad_frame (a stranger wrote into the pipe).
    Result<T> recv(Timeout timeout = Timeout::forever()) noexcept { return do_recv<T>(timeout); }
    /// Whether recv() would find a message or the end of the stream within `timeout`.
    Result<bool> poll(Timeout timeout = Timeout::no_wait()) noexcept { return do_poll(timeout); }
};

/// The end that only sends.
template <class T>
class Sender : public PipeEnd {
public:
    Sender() noexcept = default;
    explicit Sender(Connection&& connection) noexcept : PipeEnd(std::move(connection)) {}
    /// Blocks until the message is in the pipe. Returns: ok; timed_out (not sent); broken_pipe;
    /// peer_died; closed.
    Status send(const T& message, Timeout timeout = Timeout::forever()) noexcept {
        return do_send(message, timeout);
    }
};

/// An end that does both: it sends a T and receives a Reply.
template <class T, class Reply = T>
class Duplex : public PipeEnd {
public:
    Duplex() noexcept = default;
    explicit Duplex(Connection&& connection) noexcept : PipeEnd(std::move(connection)) {}
    /// As Receiver's and Sender's.
    Result<Reply> recv(Timeout timeout = Timeout::forever()) noexcept {
        return do_recv<Reply>(timeout);
    }
    Status send(const T& message, Timeout timeout = Timeout::forever()) noexcept {
        return do_send(message, timeout);
    }
    Result<bool> poll(Timeout timeout = Timeout::no_wait()) noexcept { return do_poll(timeout); }
};

/// Makes pipes for messages of type T, and replies of another type if they have one:
///     auto [left, right] = Pipe<int>::duplex().expect("making a pipe");
///     auto [client, server] = Pipe<Question, Answer>::duplex().expect("making a pipe");
///     auto [receiver, sender] = Pipe<int>::simplex().expect("making a pipe");
template <class T, class Reply = T>
class Pipe : PipeEnd {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_copyable_v<Reply>,
                  "a pipe carries bytes: use Text<N>, Bytes<N>, Pair, Tuple, a struct of plain "
                  "fields, or a Connection for bytes of any length");

public:
    struct DuplexPair {
        Duplex<T, Reply> left;
        Duplex<Reply, T> right;
    };
    struct SimplexPair {
        Receiver<T> receiver;
        Sender<T> sender;
    };

    /// What either end sends the other receives (two pipes): the left one sends a T, the right one
    /// a Reply. Errors: too_many_files, no_memory.
    static Result<DuplexPair> duplex() noexcept {
        Result<ConnectionPair> made =
            make(sizeof(T) > sizeof(Reply) ? sizeof(T) : sizeof(Reply), true);
        if (!made.ok()) { return made.error(); }
        return DuplexPair{Duplex<T, Reply>(std::move(made->first)),
                          Duplex<Reply, T>(std::move(made->second))};
    }
    /// One direction. Errors: too_many_files, no_memory.
    static Result<SimplexPair> simplex() noexcept {
        static_assert(std::is_same_v<T, Reply>, "nobody replies in a pipe of one direction");
        Result<ConnectionPair> made = make(sizeof(T), false);
        if (!made.ok()) { return made.error(); }
        return SimplexPair{Receiver<T>(std::move(made->first)), Sender<T>(std::move(made->second))};
    }
};

}  // namespace v0
}  // namespace brood

#endif
