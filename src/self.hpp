// What a process knows of itself: its name, its parent, its key.
#ifndef BROOD_SRC_SELF_HPP
#define BROOD_SRC_SELF_HPP

#include <atomic>
#include <cstdint>

#include <brood/detail/fork_link.hpp>
#include <brood/this_process.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

class Writer;

/// Written before main runs into threads, or by a fresh child before its own code.
struct Self {
    char name[64] = {};  // empty: the main process
    char parent_name[64] = {};
    char identity[64] = {};  // "1:2": the second child of the first child of the main process
    port::Pid parent = 0;    // the brood process that started this one
    bool is_child = false;
    bool is_daemon = false;
    bool has_key = false;
    std::uint32_t children = 0;       // numbered so far
    std::uint32_t signal_resets = 0;  // by signals_forget(), in this process and those above
    AuthKey key;
};

/// The list behind brood/detail/fork_link.hpp; src/fork_list.cpp alone touches it.
struct ForkList {
    ForkLink head;                          // null until the first use: no constructor runs
    std::atomic<std::uint32_t> forked{0};   // forks between this process and the main one
    std::atomic<std::uint32_t> watched{0};  // 0 no, 1 being registered, 2 yes
    std::atomic<std::uint32_t> is_locked{0};
};

/// What changes with every child, in the parent and in the child. A page that is written after a
/// fork is copied first, which costs about 1 us on either side: so it is one page, not several.
struct alignas(512) ProcessState {
    ForkList forks;
    Self self;
};
static_assert(sizeof(ProcessState) == 512, "a power of two, so that it never spans two pages");
extern ProcessState g_process;

inline Self& self() noexcept {
    return g_process.self;
}
/// fork_epoch(), inline.
inline unsigned epoch_now() noexcept {
    return 1 + g_process.forks.forked.load(std::memory_order_relaxed);
}

/// The identity of this process's child of that number.
void write_child_identity(Writer& writer, std::uint32_t number) noexcept;

/// In a fresh child: it was started by `parent`, a process called as this one is called until now.
void become_child(port::Pid parent, bool is_daemon) noexcept;

/// Makes the key of this process, if it has none. Weak: null in a static program that never asks
/// for a key, and should not get one, with what it takes to make it, only because it has children.
[[gnu::weak]] void make_authkey() noexcept;

/// The calling thread ends in order: it has handled what it got from queues. Weak: null in a
/// program without shared objects that have members.
[[gnu::weak]] void end_membership() noexcept;

/// In a fresh child, whose signals are back at their defaults: nothing is left to restore().
void signals_forget() noexcept;

/// Ends a child of ours: its own children first (as Python), then its buffered output, then _exit.
[[noreturn]] void end_child(int code) noexcept;
/// The same for one that cannot have children.
[[noreturn]] void end_daemon(int code) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
