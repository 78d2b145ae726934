// exec with a search in PATH, without heap.
//
// Without AddressSanitizer: the exec may happen in memory borrowed from the parent (port/linux),
// and would leave there the marks of frames that never return.
#include "exec_search.hpp"

#include <errno.h>
#include <unistd.h>

extern "C" char** environ;

namespace brood::port::detail {
namespace {

constexpr std::size_t kPathMax = 4096;

std::size_t length_of(const char* text) noexcept {
    std::size_t length = 0;
    while (text[length] != '\0') { ++length; }
    return length;
}

bool has_slash(const char* path) noexcept {
    while (*path != '\0' && *path != '/') { ++path; }
    return *path == '/';
}

[[gnu::no_sanitize_address]] int execute(const SpawnPlan& plan, const char* path) noexcept {
    const char* const* environment = plan.environment;
    (void)::execve(path, const_cast<char* const*>(plan.arguments),
                   environment != nullptr ? const_cast<char* const*>(environment) : environ);
    return errno;
}

[[gnu::no_sanitize_address]] int search(const SpawnPlan& plan, const char* directories) noexcept {
    const std::size_t name_bytes = length_of(plan.path) + 1;
    int result = ENOENT;
    for (const char* start = directories;; ++start) {
        const char* end = start;
        while (*end != '\0' && *end != ':') { ++end; }
        const auto bytes = static_cast<std::size_t>(end - start);
        char path[kPathMax];
        if (bytes + 1 + name_bytes <= sizeof(path)) {
            __builtin_memcpy(path, start, bytes);
            std::size_t at = bytes;
            if (bytes > 0) { path[at++] = '/'; }  // An empty entry is the working directory.
            __builtin_memcpy(path + at, plan.path, name_bytes);
            const int err = execute(plan, path);
            if (err == EACCES) { result = EACCES; }  // Perhaps a later one may be run.
            if (err != EACCES && err != ENOENT && err != ENOTDIR) { return err; }
        }
        if (*end == '\0') { return result; }
        start = end;
    }
}

}  // namespace

[[gnu::no_sanitize_address]] int exec_program(const SpawnPlan& plan,
                                              const char* directories) noexcept {
    if (has_slash(plan.path)) { return execute(plan, plan.path); }
    return plan.path[0] == '\0' ? ENOENT : search(plan, directories);
}

}  // namespace brood::port::detail
