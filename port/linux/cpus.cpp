// How many CPUs this process may use: its affinity, and what control groups leave of it.
#include <atomic>

#include <port/port.hpp>

#include "calls.hpp"
#include "cgroup.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// The call itself, which tells how much it filled, for sets of any size (cpu_set_t ends at 1024).
std::uint32_t allowed_cpus() noexcept {
    unsigned long set[4096 / sizeof(unsigned long)] = {};  // 32768 CPUs; Linux has 8192 at most.
    const long bytes = detail::call(SYS_sched_getaffinity, 0, sizeof(set), set);
    std::uint32_t cpus = 0;
    for (unsigned long word : set) {
        for (; word != 0; word &= word - 1) { ++cpus; }
    }
    return bytes > 0 && cpus > 0 ? cpus : 1;
}

// What one group allows, in whole CPUs: half a CPU of time still runs a worker.
std::uint64_t quota_of(detail::Cgroup& group) noexcept {
    constexpr std::uint64_t kNoLimit = detail::Cgroup::kNoLimit;
    const bool v1 = group.is_v1();
    const std::uint64_t quota = group.number(v1 ? "cpu.cfs_quota_us" : "cpu.max", 0, kNoLimit);
    if (quota == kNoLimit) { return kNoLimit; }
    const std::uint64_t period = v1 ? group.number("cpu.cfs_period_us", 0, 0)
                                    : group.number("cpu.max", 1, 0);
    if (period == 0) { return kNoLimit; }
    const std::uint64_t cpus = quota / period + (quota % period != 0 ? 1 : 0);
    return cpus > 0 ? cpus : 1;
}

// "0-1", "0,2": a list that has more than one number.
bool are_several_online() noexcept {
    detail::LineReader file("/sys/devices/system/cpu/online");
    const char* text = file.next();
    if (text == nullptr) { return allowed_cpus() > 1; }
    while (*text >= '0' && *text <= '9') { ++text; }
    return *text != '\0';
}

}  // namespace

std::uint32_t usable_cpus() noexcept {
    std::uint64_t cpus = allowed_cpus();
    detail::Cgroup group("cpu");
    do {
        const std::uint64_t quota = quota_of(group);
        if (quota < cpus) { cpus = quota; }
    } while (group.up());
    return static_cast<std::uint32_t>(cpus);
}

// Not the affinity: of two processes, each tied to a CPU of its own, each sees one only.
bool has_parallel_cpus() noexcept {
    enum : int { unknown, one, several };
    static std::atomic<int> known{unknown};
    int found = known.load(std::memory_order_relaxed);
    if (found == unknown) {
        found = are_several_online() ? several : one;
        known.store(found, std::memory_order_relaxed);
    }
    return found == several;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
