// What the tests of remote managers share: a server in a process of its own, and its clients.
#ifndef BROOD_TEST_REMOTE_SUPPORT_HPP
#define BROOD_TEST_REMOTE_SUPPORT_HPP

#include "process_support.hpp"
#include "socket_support.hpp"

#include <brood/manager_server.hpp>
#include <brood/remote_manager.hpp>
#include <src/manager_wire.hpp>

namespace remote_test {

using brood::Address;
using brood::Errc;
using brood::Manager;
using brood::ManagerServer;
using brood::ManagerServerOptions;
using brood::milliseconds;
using brood::Process;
using brood::RemoteManager;
using brood::seconds;
using brood::Status;
using brood::Timeout;
using brood::detail::WireOp;
using brood::detail::WireReply;
using brood::detail::WireRequest;
using socket_test::Folder;
using socket_test::kKey;
using test::assert_code;
using test::assert_ok;
using test::kLong;

inline ManagerServerOptions keyed() {
    return ManagerServerOptions().authkey(kKey, sizeof kKey - 1);
}

/// A manager in this process, and a server of it in a child: at a file of its own, or at `where`,
/// of which the system may choose the port.
class Served {
public:
    explicit Served(const ManagerServerOptions& options = keyed(), const Address& where = Address())
        : manager(Manager::create().expect("making the manager")), options_(options) {
        *address_ = where == Address() ? folder_.address() : where;
        start();
    }
    ~Served() {
        if (is_serving_) { stop(SIGTERM); }
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;

    void start() {
        test::Handshake listens;
        server_ = test::start_child([&] {
            auto server = ManagerServer::create(manager, address(), options_);
            server.status().expect("making the server");
            *address_ = server->address();
            listens.tell();
            server->serve().expect("serving");
            return 0;
        });
        assert_true(listens.await());
        is_serving_ = true;
    }
    /// Ends the server by a signal, and what it left.
    void stop(int signal) {
        is_serving_ = false;
        kill(server_, signal);
        test::join_child(server_);
        unlink(folder_.path().c_str());
    }
    /// As the server told it.
    Address address() const { return *address_; }
    std::string path() const { return folder_.path(); }
    pid_t server() const { return server_; }

    RemoteManager connect() const {
        return RemoteManager::connect(address(), socket_test::with_key(), kLong)
            .expect("connecting");
    }

    Manager manager;

private:
    Folder folder_;
    ManagerServerOptions options_;
    test::Board<Address> address_;  // which the child writes
    pid_t server_ = -1;
    bool is_serving_ = false;
};

/// A client that says what it likes.
class RawClient {
public:
    explicit RawClient(brood::Connection&& made) : connection(std::move(made)) {}
    explicit RawClient(const Served& served)
        : connection(brood::Client::connect(served.address(), socket_test::with_key(), kLong)
                         .expect("connecting")) {}

    /// Sends a request whose lengths are right.
    Status send(WireRequest request, const std::string& key = "", const std::string& value = "") {
        request.key_bytes = static_cast<std::uint32_t>(key.size());
        request.value_bytes = static_cast<std::uint32_t>(value.size());
        std::string message(WireRequest::kBytes, '\0');
        request.write(reinterpret_cast<unsigned char*>(&message[0]));
        message += key + value;
        return connection.send_bytes(message.data(), message.size(), kLong);
    }
    /// The code of the reply; or why there is none.
    Errc receive() {
        static unsigned char message[1 << 20];
        const auto got = connection.recv_bytes(message, sizeof message, kLong);
        if (!got.ok()) { return got.code(); }
        assert_true(*got >= WireReply::kBytes);
        reply = WireReply::read(message);
        assert_true(brood::detail::wire_fits(reply, *got));
        return static_cast<Errc>(reply.code);
    }
    Errc ask(const WireRequest& request, const std::string& key = "",
             const std::string& value = "") {
        assert_ok(send(request, key, value));
        return receive();
    }
    static WireRequest hello() {
        WireRequest request;
        request.a = brood::detail::kWireVersion;
        return request;
    }
    static std::string byte_order(std::uint64_t order = brood::detail::kByteOrder) {
        return std::string(reinterpret_cast<const char*>(&order), sizeof order);
    }
    void greet() { assert_true(ask(hello(), "", byte_order()) == Errc::ok); }
    /// A request about an object that was told by the last reply, of the type of `of`.
    WireRequest about(WireOp op, const WireRequest& of) const {
        WireRequest request = of;
        request.op = op;
        request.entry = static_cast<std::uint32_t>(reply.a);
        request.generation = static_cast<std::uint32_t>(reply.b);
        request.a = request.b = 0;
        return request;
    }

    brood::Connection connection;
    WireReply reply;
};

/// To make an object.
inline WireRequest making(const brood::detail::ObjectType& type, std::int64_t a = 0) {
    WireRequest request;
    request.op = WireOp::make;
    request.kind = static_cast<std::uint32_t>(type.kind);
    request.types[0] = type.elements[0];
    request.types[1] = type.elements[1];
    request.timeout_ms = 0;
    request.a = a;
    return request;
}

}  // namespace remote_test

#endif
