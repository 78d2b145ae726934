// Which shared objects there are.
#include <errno.h>
#include <string.h>

#include <port/port.hpp>
#include <port/posix/errors.hpp>

#include "calls.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// Where glibc and musl have them.
constexpr char kFolder[] = "/dev/shm";
// In what getdents64() fills in: the record's length, and the name.
constexpr std::size_t kLengthAt = 16, kNameAt = 19;

struct Visit {
    const char* prefix;
    bool (*visit)(void* context, const char* name);
    void* context;

    /// False: no more.
    bool operator()(const char* entry) const noexcept {
        char name[257] = "/";
        const std::size_t bytes = ::strnlen(entry, sizeof(name) - 2);
        ::memcpy(name + 1, entry, bytes);
        return ::strncmp(name, prefix, ::strlen(prefix)) != 0 || visit(context, name);
    }
};

}  // namespace

// By hand, as opendir() has a heap.
Status list_objects(const char* prefix, bool (*visit)(void* context, const char* name),
                    void* context) noexcept {
    const Fd folder = detail::open_file(kFolder, O_RDONLY | O_DIRECTORY);
    if (folder < 0) {
        return errno == ENOENT ? Error(Errc::unsupported, ENOENT) : detail::last_error();
    }
    const Visit each = {prefix, visit, context};
    alignas(8) char entries[2048];
    long bytes = 0;
    bool goes_on = true;
    while (goes_on && (bytes = detail::call(SYS_getdents64, folder, entries, sizeof entries)) > 0) {
        for (long at = 0; at < bytes && goes_on;) {
            unsigned short length = 0;
            __builtin_memcpy(&length, entries + at + kLengthAt, sizeof length);
            goes_on = each(entries + at + kNameAt);
            at += length;
        }
    }
    const Status read = goes_on && bytes < 0 ? Status(detail::last_error()) : Status();
    close(folder);
    return read;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
