#include "children.hpp"

#include "fork_list.hpp"
#include "process_access.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

void terminate_daemon(ForkLink& link, void*) {
    Process* const process = ProcessAccess::of_link(link);
    if (process != nullptr && ProcessAccess::is_daemon(*process)) { process->terminate().ignore(); }
}

void find_first(ForkLink& link, void* found) {
    Process*& first = *static_cast<Process**>(found);
    if (first == nullptr) { first = ProcessAccess::of_link(link); }
}

struct Gathered {
    Process** list;
    std::size_t room;
    std::size_t count;
};

void gather_living(ForkLink& link, void* context) {
    Process* const process = ProcessAccess::of_link(link);
    if (process == nullptr || ProcessAccess::reap(*process, true)) { return; }
    Gathered& gathered = *static_cast<Gathered*>(context);
    if (gathered.count < gathered.room) { gathered.list[gathered.count] = process; }
    ++gathered.count;
}

// The detached processes that come back to this one, since it is pid 1 or a subreaper. Pages of
// this process alone, doubled when full; most programs never have any.
struct Adopted {
    unsigned epoch = 0;
    port::Pid* pids = nullptr;
    std::size_t count = 0;
    std::size_t reserved = 0;  // by detach() calls that are under way in other threads
    std::size_t room = 0;
} g_adopted;

// Call with the fork list held, which keeps a fork from copying this in the middle of a change.
void drop_if_forked() noexcept {
    if (g_adopted.epoch == fork_epoch()) { return; }
    g_adopted.epoch = fork_epoch();
    g_adopted.count = g_adopted.reserved = 0;  // In a forked child: these are not its children.
}

}  // namespace

void end_children() noexcept {
    fork_list_each(&terminate_daemon, nullptr);
    for (;;) {
        Process* first = nullptr;
        fork_list_each(&find_first, &first);
        if (first == nullptr) { return; }
        first->join().ignore();  // Takes it off the list, whatever became of it.
    }
}

Status reserve_adopted() noexcept {
    const ForkListHold hold;
    drop_if_forked();
    if (g_adopted.count + g_adopted.reserved < g_adopted.room) {
        ++g_adopted.reserved;
        return Errc::ok;
    }
    const std::size_t room = g_adopted.room == 0 ? 1024 : 2 * g_adopted.room;
    const Result<void*> pages = port::map_private(room * sizeof(port::Pid));
    if (!pages.ok()) { return pages.error(); }
    auto* const pids = static_cast<port::Pid*>(*pages);
    if (g_adopted.pids != nullptr) {
        __builtin_memcpy(pids, g_adopted.pids, g_adopted.count * sizeof(port::Pid));
        port::unmap(g_adopted.pids, g_adopted.room * sizeof(port::Pid));
    }
    g_adopted.pids = pids;
    g_adopted.room = room;
    ++g_adopted.reserved;
    return Errc::ok;
}

void adopt(port::Pid pid) noexcept {
    const ForkListHold hold;
    --g_adopted.reserved;
    if (pid != 0) { g_adopted.pids[g_adopted.count++] = pid; }
}

void reap_adopted() noexcept {
    const ForkListHold hold;
    drop_if_forked();
    for (std::size_t i = 0; i < g_adopted.count;) {
        const Result<port::ChildState> state = port::wait_child(g_adopted.pids[i], port::Reap::now);
        if (state.ok() && !state->ended) {
            ++i;
        } else {
            g_adopted.pids[i] = g_adopted.pids[--g_adopted.count];
        }
    }
}

}  // namespace detail

std::size_t active_children(Process** list, std::size_t room) noexcept {
    detail::reap_adopted();
    detail::Gathered gathered = {list, room, 0};
    detail::fork_list_each(&detail::gather_living, &gathered);
    return gathered.count;
}

}  // namespace v0
}  // namespace brood
