// What the tests of remote managers share: a server in a process of its own, and its clients.
#ifndef BROOD_TEST_REMOTE_SUPPORT_HPP
#define BROOD_TEST_REMOTE_SUPPORT_HPP

#include "process_support.hpp"
#include "socket_support.hpp"

#include <brood/manager_server.hpp>
#include <brood/remote_manager.hpp>

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
using socket_test::Folder;
using socket_test::kKey;
using test::assert_code;
using test::assert_ok;
using test::kLong;

inline ManagerServerOptions keyed() {
    return ManagerServerOptions().authkey(kKey, sizeof kKey - 1);
}

/// A manager in this process, and a server of it in a child.
class Served {
public:
    explicit Served(const ManagerServerOptions& options = keyed())
        : manager(Manager::create().expect("making the manager")), options_(options) {
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
    Address address() const { return folder_.address(); }
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
    pid_t server_ = -1;
    bool is_serving_ = false;
};

}  // namespace remote_test

#endif
