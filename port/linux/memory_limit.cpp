// The memory of the system and of control groups: where it ends the kernel does not refuse more, it
// kills a process. So we look before we allocate.
#include <sys/sysinfo.h>

#include <port/posix/memory_limit.hpp>

#include "cgroup.hpp"

namespace brood::port::detail {
namespace {

// A look costs about 60 us, several times what making a small object does. So small requests are
// only counted, until together they are worth a look; and each look wants room left for those that
// go unseen until the next, and for what the kernel needs for itself to manage and to map them.
constexpr std::size_t kWorthALook = 256 * 1024;
constexpr std::uint64_t kSpare = 1024 * 1024;

bool adds_up(std::size_t bytes) noexcept {
    static std::atomic<std::size_t> unseen{0};
    if (bytes < kWorthALook &&
        unseen.fetch_add(bytes, std::memory_order_relaxed) + bytes < kWorthALook) {
        return false;
    }
    unseen.store(0, std::memory_order_relaxed);
    return true;
}

bool fits(Cgroup& group, std::uint64_t bytes) noexcept {
    const bool v1 = group.is_v1();
    const std::uint64_t limit =
        group.number(v1 ? "memory.limit_in_bytes" : "memory.max", 0, Cgroup::kNoLimit);
    if (bytes > limit) { return false; }
    const std::uint64_t room = limit - bytes;
    const std::uint64_t used =
        room < Cgroup::kNoLimit / 4
            ? group.number(v1 ? "memory.usage_in_bytes" : "memory.current", 0, 0)
            : 0;
    if (used <= room) { return true; }
    // Files that nobody has used for a while count as used, but the kernel drops them when it needs
    // the memory. (The rest of the file cache it gives up less willingly: not counted on.)
    return used - room <= group.entry("memory.stat", v1 ? "total_inactive_file" : "inactive_file");
}

// What the system can give without killing, by its own estimate (MemAvailable since Linux 3.14).
std::uint64_t available_bytes() noexcept {
    const std::uint64_t kilobytes = entry_of("/proc/meminfo", "MemAvailable");
    if (kilobytes > 0) { return (kilobytes + entry_of("/proc/meminfo", "SwapFree")) * 1024; }
    struct sysinfo system = {};
    if (::sysinfo(&system) != 0) { return UINT64_MAX; }
    const std::uint64_t units = std::uint64_t{system.freeram} + system.freeswap + system.bufferram;
    return units * system.mem_unit;
}

}  // namespace

Status fits_memory_limit(std::size_t bytes) noexcept {
    if (!adds_up(bytes)) { return {}; }
    const std::uint64_t wanted = std::uint64_t{bytes} + bytes / 512 + kSpare;
    if (wanted > available_bytes()) { return Errc::no_space; }
    Cgroup group("memory");
    do {
        if (!fits(group, wanted)) { return Errc::no_space; }
    } while (group.up());
    return {};
}

}  // namespace brood::port::detail
