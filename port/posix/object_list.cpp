// Which shared objects there are.
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include <port/port.hpp>

#include "errors.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// POSIX does not say where they are. Where a system shows them, it is here.
constexpr char kFolder[] = "/dev/shm";

}  // namespace

Status list_objects(const char* prefix, bool (*visit)(void* context, const char* name),
                    void* context) noexcept {
    DIR* const folder = ::opendir(kFolder);
    if (folder == nullptr) {
        return errno == ENOENT ? Error(Errc::unsupported, ENOENT) : detail::last_error();
    }
    const std::size_t length = ::strlen(prefix);
    bool go_on = true;
    while (go_on) {
        const dirent* const entry = ::readdir(folder);
        if (entry == nullptr) { break; }
        char name[sizeof(entry->d_name) + 1] = "/";
        const std::size_t bytes = ::strnlen(entry->d_name, sizeof(entry->d_name) - 1);
        ::memcpy(name + 1, entry->d_name, bytes);
        if (::strncmp(name, prefix, length) == 0) { go_on = visit(context, name); }
    }
    ::closedir(folder);
    return {};
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
