#include <brood/manager_server.hpp>

#include <new>
#include <utility>

#include <brood/process.hpp>
#include <brood/wait.hpp>

#include "arena_objects.hpp"
#include "deadline.hpp"
#include "manager_access.hpp"
#include "manager_handler.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// In memory of the server's process alone. Of `clients` those that are started are clients.
struct ServerState {
    explicit ServerState(const ManagerServerOptions& options, std::uint32_t manager) noexcept
        : clients_max(options.clients_max_),
          plan{manager, options.message_bytes_max_, options.patience_, options.idle_} {}

    std::uint32_t clients_max;
    ManagerHandlerPlan plan;
    unsigned epoch = fork_epoch();
    Listener listener;
    Process clients[ManagerServerOptions::kClientsMax];

    std::size_t reap() noexcept;
    Process* free_place() noexcept;
    Status start(Connection&& client) noexcept;
    Result<std::size_t> wait_for_something(Timeout timeout) noexcept;
};

/// How many clients are left.
std::size_t ServerState::reap() noexcept {
    std::size_t alive = 0;
    for (std::uint32_t i = 0; i < clients_max; ++i) {
        if (clients[i].pid() == 0) { continue; }
        if (clients[i].is_alive()) {
            ++alive;
        } else {
            clients[i] = Process();
        }
    }
    return alive;
}

Process* ServerState::free_place() noexcept {
    for (std::uint32_t i = 0; i < clients_max; ++i) {
        if (clients[i].pid() == 0) { return &clients[i]; }
    }
    return nullptr;
}

Status ServerState::start(Connection&& client) noexcept {
    Process* const place = free_place();
    if (place == nullptr) { return Errc::full; }
    *place = Process(
        ProcessOptions().daemon(),
        [this](Connection& end) {
            // The address is the server's alone: it is free when that ends.
            listener.close();
            // As one that was killed: what the client had got counts as lost, what it held as a
            // dead holder's.
            if (!ManagerHandler::serve(end, plan)) { port::exit_now(1); }
        },
        std::move(client));
    const Status started = place->start();
    if (!started.ok()) { *place = Process(); }
    return started;
}

/// Until a client comes or goes.
Result<std::size_t> ServerState::wait_for_something(Timeout timeout) noexcept {
    alignas(Waitable) unsigned char memory[64][sizeof(Waitable)];
    auto* const items = reinterpret_cast<Waitable*>(memory);
    std::size_t count = 0;
    if (free_place() != nullptr) { ::new (static_cast<void*>(&items[count++])) Waitable(listener); }
    for (std::uint32_t i = 0; i < clients_max; ++i) {
        if (clients[i].pid() == 0) { continue; }
        ::new (static_cast<void*>(&items[count++])) Waitable(clients[i]);
    }
    return wait(items, count, timeout);
}

}  // namespace detail

using detail::ServerState;

namespace {

bool is_up_to_a_day(Timeout timeout) noexcept {
    return timeout.is_valid() && !timeout.is_forever() &&
           timeout.nanoseconds() >= milliseconds(1).nanoseconds() &&
           timeout.nanoseconds() <= seconds(86400).nanoseconds();
}

}  // namespace

Result<ManagerServer> ManagerServer::make(const Manager& manager, const Address* address,
                                          const ManagerServerOptions& options) noexcept {
    using Options = ManagerServerOptions;
    const bool is_valid = options.clients_max_ >= 1 &&
                          options.clients_max_ <= Options::kClientsMax &&
                          options.message_bytes_max_ >= Options::kMessageBytesMin &&
                          options.message_bytes_max_ <= Options::kMessageBytesMax &&
                          is_up_to_a_day(options.patience_) &&
                          (options.idle_.is_forever() || is_up_to_a_day(options.idle_));
    if (!is_valid) { return Errc::bad_argument; }
    const std::uint32_t id = ManagerAccess::id(manager);
    if (id == 0) { return Errc::closed; }
    if (detail::find_arena(id) == nullptr) { return Errc::wrong_process; }
    const Result<void*> memory = port::map_private(sizeof(ServerState));
    if (!memory.ok()) { return memory.error(); }
    ManagerServer server;
    server.state_ = ::new (*memory) ServerState(options, id);
    if (address == nullptr) { return server; }
    Result<Listener> listener = Listener::create(*address, options.listener_);
    if (!listener.ok()) { return listener.error(); }
    server.state_->listener = std::move(*listener);
    return server;
}

Result<ManagerServer> ManagerServer::create(const Manager& manager, const Address& address,
                                            const ManagerServerOptions& options) noexcept {
    return make(manager, &address, options);
}

Result<ManagerServer> ManagerServer::create(const Manager& manager,
                                            const ManagerServerOptions& options) noexcept {
    return make(manager, nullptr, options);
}

Status Manager::serve(const Address& address, const AuthKey& key, Timeout timeout) const noexcept {
    Result<ManagerServer> server =
        ManagerServer::create(*this, address, ManagerServerOptions().authkey(key));
    return server.ok() ? server->serve(timeout) : server.status();
}

ManagerServer::ManagerServer(ManagerServer&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)) {}

ManagerServer& ManagerServer::operator=(ManagerServer&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
}

void ManagerServer::close() noexcept {
    ServerState* const state = std::exchange(state_, nullptr);
    // In a child it is the parent's: its copy goes with the child.
    if (state == nullptr || state->epoch != detail::fork_epoch()) { return; }
    for (Process& client : state->clients) { client.kill().ignore(); }
    state->ServerState::~ServerState();
    port::unmap(state, sizeof(ServerState));
}

Address ManagerServer::address() const noexcept {
    return state_ == nullptr ? Address() : state_->listener.address();
}

std::size_t ManagerServer::clients() noexcept {
    if (state_ == nullptr || state_->epoch != detail::fork_epoch()) { return 0; }
    return state_->reap();
}

Status ManagerServer::serve_connection(Connection&& client) noexcept {
    Connection taken(std::move(client));
    if (state_ == nullptr) { return Errc::closed; }
    if (state_->epoch != detail::fork_epoch()) { return Errc::wrong_process; }
    state_->reap();
    return state_->start(std::move(taken));
}

Status ManagerServer::serve(Timeout timeout) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (state_ == nullptr || !state_->listener.is_open()) { return Errc::closed; }
    if (state_->epoch != detail::fork_epoch()) { return Errc::wrong_process; }
    for (;;) {
        const bool is_late = detail::has_passed(deadline_ns);
        state_->reap();
        if (state_->free_place() != nullptr) {
            Result<Connection> client = state_->listener.accept(Timeout::no_wait());
            if (client.ok()) {
                const Status started = state_->start(std::move(*client));
                if (!started.ok()) { return started; }
                continue;
            }
            const bool is_none = client.code() == Errc::timed_out ||
                                 client.code() == Errc::would_block;
            if (!is_none) { return client.status(); }
        }
        if (is_late) { return Errc::timed_out; }
        const Result<std::size_t> ready =
            state_->wait_for_something(detail::timeout_until(deadline_ns));
        if (!ready.ok() && ready.code() != Errc::timed_out) { return ready.status(); }
    }
}

}  // namespace v0
}  // namespace brood
