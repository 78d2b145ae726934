// What a process knows of itself: its name, its parent, its key.
#ifndef BROOD_SRC_SELF_HPP
#define BROOD_SRC_SELF_HPP

#include <cstdint>

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
    std::uint32_t children = 0;  // numbered so far
    AuthKey key;
};
Self& self() noexcept;

/// The identity of this process's child of that number.
void write_child_identity(Writer& writer, std::uint32_t number) noexcept;

/// In a fresh child: it was started by `parent`, a process called as this one is called until now.
void become_child(port::Pid parent, bool is_daemon) noexcept;

/// Makes the key of this process, if it has none. Weak: null in a static program that never asks
/// for a key, and should not get one, with what it takes to make it, only because it has children.
[[gnu::weak]] void make_authkey() noexcept;

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
