// ManagerHandler: serves one client of a ManagerServer, in a process of its own.
//
// Nothing of a request is used before it was checked: its length, its kind, what types it names,
// and the bytes of elements, since other processes take these for T's. Memory: two buffers of the
// longest message, the views, and one copy of a container; no heap.
#ifndef BROOD_SRC_MANAGER_HANDLER_HPP
#define BROOD_SRC_MANAGER_HANDLER_HPP

#include <brood/connection.hpp>
#include <brood/detail/dict_handle.hpp>
#include <brood/detail/list_handle.hpp>

#include "manager_views.hpp"
#include "manager_watch.hpp"
#include "manager_wire.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

/// Of a server, what its handlers need.
struct ManagerHandlerPlan {
    std::uint32_t manager = 0;
    std::size_t message_bytes_max = 0;
    Timeout patience = Timeout::forever();  // with a client that does not read, or stops
    Timeout idle = Timeout::forever();      // with one that asks for nothing
};

class ManagerHandler;

/// A request that is being done, and the reply to it.
struct WireCall {
    ManagerHandler& handler;
    WireRequest request;
    const unsigned char* key;
    const unsigned char* value;
    ManagedHandle handle;
    ObjectType type;
    Timeout timeout;
    WireReply reply;
    unsigned char* out;  // where what the reply tells goes: its key, then its value
    std::size_t room;

    /// Does f(timeout), a Status: first without a wait, and then with the client watched.
    template <class F>
    Status waiting(F&& f) noexcept {
        const Status done = f(Timeout::no_wait());
        const bool may_wait = done.code() == Errc::timed_out || done.code() == Errc::would_block ||
                              done.code() == Errc::empty || done.code() == Errc::full;
        if (!may_wait || timeout.is_no_wait()) { return done; }
        const ClientWatched watched;
        return f(timeout);
    }
    /// The object's view. Errors: as ManagerViews::open().
    Result<ManagerView*> view() noexcept;
    /// How many bytes of a value the client can take, and a reply: at most what it says.
    std::size_t value_room() const noexcept {
        if (request.b < 0) { return 0; }
        const auto asked = static_cast<std::uint64_t>(request.b);
        return asked < room ? static_cast<std::size_t>(asked) : room;
    }
    /// Whether the key, and these bytes as a value, are those of a dict with the types of the
    /// request. Errors: bad_argument.
    Status check_key() const noexcept;
    Status check_value(const unsigned char* bytes, std::size_t count) const noexcept;
};

/// Whether such elements can be. Errors: bad_argument.
Status check_type(const ObjectType& type) noexcept;
/// Whether these bytes can be an element of that type in a container. Errors: bad_argument.
Status check_element(std::uint32_t type, const void* element, std::size_t bytes) noexcept;
/// ... or one that lies as a T of `size` bytes does, in a queue or an array.
Status check_laid_out(std::uint32_t type, std::size_t size, const unsigned char* element) noexcept;
/// ... or each of those that lie one behind the other, of `bytes` in all.
Status check_all_laid_out(const ObjectType& type, const unsigned char* elements,
                          std::size_t bytes) noexcept;

/// What is done for each op: src/manager_calls_*.cpp. What they return is the code of the reply.
namespace wire_calls {
Status find(WireCall& call) noexcept;
Status make(WireCall& call) noexcept;
Status drop(WireCall& call) noexcept;
Status keep(WireCall& call) noexcept;
Status stats(WireCall& call) noexcept;
Status dict_get(WireCall& call) noexcept;
Status dict_set(WireCall& call) noexcept;
Status dict_erase(WireCall& call) noexcept;
Status dict_pop(WireCall& call) noexcept;
Status dict_contains(WireCall& call) noexcept;
Status dict_swap(WireCall& call) noexcept;
Status dict_popitem(WireCall& call) noexcept;
Status dict_size(WireCall& call) noexcept;
Status dict_clear(WireCall& call) noexcept;
Status dict_items(WireCall& call) noexcept;
Status list_get(WireCall& call) noexcept;
Status list_set(WireCall& call) noexcept;
Status list_insert(WireCall& call) noexcept;
Status list_pop(WireCall& call) noexcept;
Status list_swap(WireCall& call) noexcept;
Status list_search(WireCall& call) noexcept;
Status list_size(WireCall& call) noexcept;
Status list_erase(WireCall& call) noexcept;
Status list_reverse(WireCall& call) noexcept;
Status list_sort(WireCall& call) noexcept;
Status list_items(WireCall& call) noexcept;
Status queue_put(WireCall& call) noexcept;
Status queue_get(WireCall& call) noexcept;
Status queue_put_many(WireCall& call) noexcept;
Status queue_get_many(WireCall& call) noexcept;
Status queue_size(WireCall& call) noexcept;
Status queue_lost(WireCall& call) noexcept;
Status queue_shutdown(WireCall& call) noexcept;
Status task_done(WireCall& call) noexcept;
Status join(WireCall& call) noexcept;
Status acquire(WireCall& call) noexcept;
Status release(WireCall& call) noexcept;
Status permits(WireCall& call) noexcept;
Status notify(WireCall& call) noexcept;
Status wait(WireCall& call) noexcept;
Status event_set(WireCall& call) noexcept;
Status event_clear(WireCall& call) noexcept;
Status event_is_set(WireCall& call) noexcept;
Status barrier_wait(WireCall& call) noexcept;
Status barrier_abort(WireCall& call) noexcept;
Status barrier_reset(WireCall& call) noexcept;
Status barrier_state(WireCall& call) noexcept;
Status elements_read(WireCall& call) noexcept;
Status elements_write(WireCall& call) noexcept;
Status elements_count(WireCall& call) noexcept;
Status elements_add(WireCall& call) noexcept;
}  // namespace wire_calls

class ManagerHandler {
public:
    /// Serves the client until that is gone, breaks the rules, or says bye. The process has to end
    /// then: at once (false), as one that was killed, or in order (true).
    static bool serve(Connection& client, const ManagerHandlerPlan& plan) noexcept;

    std::uint32_t manager() const noexcept { return plan_.manager; }
    ManagerViews& views() noexcept { return *views_; }
    DictCopy& copy() noexcept { return copy_; }
    ListCopy& list_copy() noexcept { return list_copy_; }

private:
    explicit ManagerHandler(const ManagerHandlerPlan& plan) noexcept : plan_(plan) {}
    Status allocate() noexcept;
    bool answer(Connection& client, std::size_t bytes) noexcept;
    Status greet(WireCall& call) noexcept;
    Status perform(WireCall& call) noexcept;
    bool send(Connection& client, WireReply& reply, const Status& status) noexcept;

    ManagerHandlerPlan plan_;
    unsigned char* in_ = nullptr;   // the request
    unsigned char* out_ = nullptr;  // the reply
    ManagerViews* views_ = nullptr;
    DictCopy copy_;
    ListCopy list_copy_;
    bool was_greeted_ = false, has_said_bye_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
