// What a process knows of itself: its name, its parent, its key.
#ifndef BROOD_SRC_SELF_HPP
#define BROOD_SRC_SELF_HPP

#include <cstdint>

#include <brood/this_process.hpp>
#include <port/port.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// Written before main runs into threads, or by a fresh child before its own code.
struct Self {
    Text<64> name;  // empty: the main process
    Text<64> parent_name;
    Text<64> identity;     // "1:2": the second child of the first child of the main process
    port::Pid parent = 0;  // the brood process that started this one
    bool is_child = false;
    bool is_daemon = false;
    bool has_key = false;
    std::uint32_t children = 0;  // numbered so far
    AuthKey key;
};
Self& self() noexcept;

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
