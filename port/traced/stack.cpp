#include "stack.hpp"

#include <atomic>

#include <brood/this_process.hpp>

#include "line.hpp"
#include "symbols.hpp"

namespace traced {
namespace {

constexpr std::size_t kDepthMax = 128;  // Deeper calls are counted, but have no name.

struct Calls {
    const void* functions[kDepthMax];
    std::size_t depth;
    std::size_t base;  // Below are those that the process was forked in.
    std::size_t user;  // In a child, where the program's own code began; 0: nowhere.
};
__thread Calls t_calls;

const char* symbol_at(std::size_t index) noexcept {
    return index < kDepthMax ? symbol_of(t_calls.functions[index]) : nullptr;
}

Origin origin_at(std::size_t index) noexcept {
    return origin_of(symbol_at(index));
}

// The functions in which processes of the library's spend their lives: what those are.
struct Role {
    const char* function;
    const char* name;
};
constexpr Role kRoles[] = {{"run_supervisor", "supervisor"},
                           {"run_careful_supervisor", "supervisor"},
                           {"run_worker", "worker"},
                           {"guard", "guardian"}};

// The last part of "NoCare::run_worker".
const char* last_part(const char* name) noexcept {
    const char* part = name;
    for (; *name != '\0'; ++name) {
        if (name[0] == ':' && name[1] == ':') { part = name + 2; }
    }
    return part;
}

// Puts the role into the function's place.
bool is_role(char (&name)[kNameBytes]) noexcept {
    const char* const part = last_part(name);
    for (const Role& role : kRoles) {
        std::size_t at = 0;
        while (role.function[at] != '\0' && role.function[at] == part[at]) { ++at; }
        if (role.function[at] != '\0' || part[at] != '\0') { continue; }
        for (at = 0; role.name[at] != '\0'; ++at) { name[at] = role.name[at]; }
        name[at] = '\0';
        return true;
    }
    return false;
}

// In a child that brood forked, the first function of the program's own is its reason to live: a
// Process's function, a pool's task.
void note_enter(std::size_t index) noexcept {
    Calls& calls = t_calls;
    if (calls.base == 0 || calls.user != 0 || index < calls.base) { return; }
    if (origin_at(index) != Origin::user || symbol_at(index) == nullptr) { return; }
    char name[kNameBytes];
    short_name(symbol_at(index), name, sizeof(name));
    Line(now())
        .text("-- runs ")
        .text(name)
        .text(" in ")
        .quoted(brood::this_process::name())
        .write();
    calls.user = index;
}

void note_exit(std::size_t index) noexcept {
    if (t_calls.user == 0 || t_calls.user != index) { return; }
    t_calls.user = 0;
    Line(now()).text("-- has run").write();
}

}  // namespace

// From the innermost function outwards: the last of brood's before one of the program's own. What
// the library does in processes of its own is no call of the program.
bool public_call(char (&name)[kNameBytes]) noexcept {
    bool is_found = false;
    for (std::size_t index = t_calls.depth; index > 0;) {
        const char* const symbol = symbol_at(--index);
        if (symbol == nullptr || origin_of(symbol) == Origin::user) { break; }
        if (origin_of(symbol) != Origin::brood) { continue; }
        short_name(symbol, name, sizeof(name));
        is_found = true;
        if (index >= t_calls.base && is_role(name)) { break; }
    }
    return is_found;
}

void forked() noexcept {
    t_calls.base = t_calls.depth;
    t_calls.user = 0;
}

}  // namespace traced

// What the compiler calls. A signal handler in between finds the slot its own already.
extern "C" void __cyg_profile_func_enter(void* function, void*) {
    traced::Calls& calls = traced::t_calls;
    const std::size_t index = calls.depth;
    calls.depth = index + 1;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (index < traced::kDepthMax) { calls.functions[index] = function; }
    if (traced::is_on()) { traced::note_enter(index); }
}

extern "C" void __cyg_profile_func_exit(void*, void*) {
    traced::Calls& calls = traced::t_calls;
    if (traced::is_on()) { traced::note_exit(calls.depth - 1); }
    --calls.depth;
}
