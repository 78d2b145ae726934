// What the tests of sockets share: a folder for their files, addresses, raw sockets as strangers
// have them, and keys.
#ifndef BROOD_TEST_SOCKET_SUPPORT_HPP
#define BROOD_TEST_SOCKET_SUPPORT_HPP

#include "channel_support.hpp"

#include <memory>
#include <string>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <brood/client.hpp>
#include <brood/listener.hpp>
#include <port/port.hpp>

namespace socket_test {

using brood::Address;
using brood::Client;
using brood::ClientOptions;
using brood::Connection;
using brood::Errc;
using brood::Listener;
using brood::ListenerOptions;
using brood::milliseconds;
using brood::Result;
using brood::seconds;
using brood::Status;
using brood::Timeout;
using test::assert_code;
using test::assert_ok;
using test::kLong;

inline constexpr char kKey[] = "a key that both know";
inline ClientOptions with_key() {
    return ClientOptions().authkey(kKey, sizeof kKey - 1);
}
inline ListenerOptions keyed() {
    return ListenerOptions().authkey(kKey, sizeof kKey - 1);
}

/// A folder of the test's own, gone with it. Nothing may be left in it.
class Folder {
public:
    Folder() { assert_non_null(mkdtemp(path_)); }
    ~Folder() {
        if (rmdir(path_) != 0) { print_error("%s is not empty\n", path_); }
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string path(const char* name = "socket") const { return std::string(path_) + "/" + name; }
    Address address(const char* name = "socket") const {
        return Address::unix_path(path(name).c_str());
    }
    /// How many files are in it.
    std::size_t count() const { return test::count_entries(path_); }

private:
    char path_[32] = "/tmp/brood-socket-XXXXXX";
};

inline bool exists(const std::string& path) {
    struct stat found;
    return lstat(path.c_str(), &found) == 0;
}
inline unsigned mode_of(const std::string& path) {
    struct stat found;
    assert_int_equal(lstat(path.c_str(), &found), 0);
    return found.st_mode & 07777;
}

/// Whether this machine has IPv6 on its loopback.
inline bool has_ip6() {
    static const bool found = Listener::create(Address::ip("::1", 0)).ok();
    if (!found) { test::not_run("IPv6", "this machine has no ::1"); }
    return found;
}
/// Whether the port has abstract names.
inline bool has_abstract() {
    return strcmp(brood::port::kName, "linux") == 0;
}

/// A stranger: a blocking socket of the system's, connected to `address`.
class Stranger {
public:
    explicit Stranger(const Address& address) : fd_(connect_to(address)) {}
    ~Stranger() { close(); }
    Stranger(const Stranger&) = delete;
    Stranger& operator=(const Stranger&) = delete;

    int fd() const { return fd_; }
    void close() {
        if (fd_ >= 0) { ::close(fd_); }
        fd_ = -1;
    }
    /// False if it was closed at the other end.
    bool write(const void* bytes, std::size_t count) const {
        return send(fd_, bytes, count, MSG_NOSIGNAL) == static_cast<ssize_t>(count);
    }
    /// All of so many bytes, within the test's patience; how many came.
    std::size_t read(void* bytes, std::size_t count) const {
        std::size_t got = 0;
        while (got < count) {
            pollfd item = {fd_, POLLIN, 0};
            if (poll(&item, 1, static_cast<int>(test::kPatienceMs)) != 1) { return got; }
            const ssize_t some = recv(fd_, static_cast<char*>(bytes) + got, count - got, 0);
            if (some <= 0) { return got; }
            got += static_cast<std::size_t>(some);
        }
        return got;
    }
    /// One frame of up to 300 bytes; "" at the end of the stream.
    std::string read_frame() const {
        unsigned char header[4];
        char message[300];
        if (read(header, 4) != 4) { return ""; }
        const std::size_t length = header[2] * 256u + header[3];
        assert_true(header[0] == 0 && header[1] == 0 && length <= sizeof message);
        assert_int_equal(read(message, length), length);
        return std::string(message, length);
    }
    bool write_frame(const std::string& message) const {
        const std::size_t length = message.size();
        std::string frame = {0, 0, static_cast<char>(length >> 8), static_cast<char>(length)};
        frame += message;
        return write(frame.data(), frame.size());
    }
    /// Whether the other end closes within the test's patience; drops what it says before.
    bool is_closed() const {
        char bytes[256];
        pollfd item = {fd_, POLLIN, 0};
        while (poll(&item, 1, static_cast<int>(test::kPatienceMs)) == 1) {
            if (recv(fd_, bytes, sizeof bytes, 0) <= 0) { return true; }
        }
        return false;
    }

private:
    static int connect_to(const Address& address) {
        sockaddr_un local = {};
        sockaddr_in ip = {};
        const bool is_ip = address.family() == Address::Family::ip4;
        const int fd = socket(is_ip ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        local.sun_family = AF_UNIX;
        snprintf(local.sun_path, sizeof local.sun_path, "%s", address.path());
        ip.sin_family = AF_INET;
        ip.sin_port = htons(address.port());
        memcpy(&ip.sin_addr, address.bytes(), sizeof ip.sin_addr);
        const void* const name = is_ip ? static_cast<const void*>(&ip) : &local;
        const socklen_t bytes = is_ip ? sizeof ip : sizeof local;
        assert_int_equal(connect(fd, static_cast<const sockaddr*>(name), bytes), 0);
        return fd;
    }
    int fd_;
};

/// Both ends of a connection, made at `address` within this process.
struct Ends {
    Connection client, server;
};
inline Ends connect_ends(Listener& listener) {
    Ends ends;
    ends.client = Client::connect(listener.address(), kLong).expect("connecting");
    ends.server = listener.accept(kLong).expect("accepting");
    return ends;
}

inline void check_talk(Connection& a, Connection& b) {
    char got[16] = {};
    assert_ok(a.send_bytes("there", 5, kLong));
    assert_int_equal(*b.recv_bytes(got, sizeof got, kLong), 5);
    assert_memory_equal(got, "there", 5);
    assert_ok(b.send_bytes("back", 4, kLong));
    assert_int_equal(*a.recv_bytes(got, sizeof got, kLong), 4);
    assert_memory_equal(got, "back", 4);
}

inline Listener listen_at(const Address& address) {
    return Listener::create(address).expect("listening");
}

/// A frame, as bytes.
inline std::string frame(const std::string& message) {
    const std::size_t length = message.size();
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) { bytes += static_cast<char>(length >> shift); }
    return bytes + message;
}

/// A stranger and the Connection at the other end.
struct Pair {
    explicit Pair(const Folder& folder, const char* name = "socket")
        : listener(listen_at(folder.address(name))) {
        stranger = std::make_unique<Stranger>(listener.address());
        end = listener.accept(kLong).expect("accepting");
    }
    Listener listener;
    std::unique_ptr<Stranger> stranger;
    Connection end;
};

}  // namespace socket_test

#endif
