// Goal: the limits of control groups, of both versions and of all parents, count: CPUs are not
//       overestimated, and memory is refused by an error before the kernel kills.
// Method: groups made of plain files, mounted where the system has its own, in a mount namespace.
#include "support.hpp"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <port/port.hpp>

namespace port = brood::port;
using brood::Errc;

constexpr int kNotAllowed = 99;
constexpr const char* kRoot = "/sys/fs/cgroup";

// A file below kRoot; its folders are made as needed.
struct File {
    const char* path;
    const char* content;
};

// What /proc/self/cgroup says, and what the groups' files do.
struct Setting {
    const char* what;
    const char* groups;
    File files[5];
};

static bool put(const char* path, const char* content) {
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) { return false; }
    const auto bytes = static_cast<ssize_t>(strlen(content));
    const bool done = write(fd, content, strlen(content)) == bytes;
    close(fd);
    return done;
}

static bool put_below_root(const File& file) {
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", kRoot, file.path);
    for (char* slash = path + strlen(kRoot); slash != nullptr; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    return put(path, file.content);
}

static bool enter(const Setting& setting) {
    constexpr const char* kGroups = "/sys/fs/cgroup/groups-of-self";
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0) {
        return false;
    }
    if (mount("brood", kRoot, "tmpfs", 0, "size=1m") != 0 || !put(kGroups, setting.groups) ||
        mount(kGroups, "/proc/self/cgroup", "", MS_BIND, "") != 0) {
        return false;
    }
    for (const File& file : setting.files) {
        if (file.path != nullptr && !put_below_root(file)) { return false; }
    }
    return true;
}

// What `look()` returns, a number below kNotAllowed, in a process for which the setting holds;
// -1 if this user or port has no such settings.
template <class Look>
static int look_in(const Setting& setting, Look look) {
    if (strcmp(port::kName, "posix") == 0) {
        test::not_run(setting.what, "the posix port knows no control groups");
        return -1;
    }
    const int code = test::run_child([&] { return enter(setting) ? look() : kNotAllowed; });
    if (code == kNotAllowed) {
        test::not_run(setting.what, "no mount namespaces here");
        return -1;
    }
    return code;
}

// ---- CPUs --------------------------------------------------------------------------------------

static int cpus() {
    const std::uint32_t count = port::usable_cpus();
    return static_cast<int>(count < 90 ? count : 90);
}

static void cpus_are_limited_by_every_group_above(void**) {
    struct Row {
        Setting setting;
        int cpus;  // 0: as many as without groups.
    };
    const Row rows[] = {
        {{"no groups", "", {}}, 0},
        {{"own, v2", "0::/a/b\n", {{"a/b/cpu.max", "100000 100000\n"}}}, 1},
        {{"rounded up", "0::/a\n", {{"a/cpu.max", "100001 100000\n"}}}, 2},
        {{"less than one", "0::/a\n", {{"a/cpu.max", "1000 100000\n"}}}, 1},
        {{"parent",
          "0::/a/b\n",
          {{"a/b/cpu.max", "max 100000\n"}, {"a/cpu.max", "50000 100000\n"}}},
         1},
        {{"root", "0::/\n", {{"cpu.max", "100000 100000\n"}}}, 1},
        {{"unlimited", "0::/a\n", {{"a/cpu.max", "max 100000\n"}}}, 0},
        {{"plenty", "0::/a\n", {{"a/cpu.max", "409600000 100000\n"}}}, 0},
        {{"inside a container", "0::/docker/1234\n", {{"cpu.max", "100000 100000\n"}}}, 1},
        {{"above the namespace", "0::/../other\n", {{"cpu.max", "100000 100000\n"}}}, 1},
        {{"own, v1",
          "3:cpu,cpuacct:/a\n0::/\n",
          {{"cpu/a/cpu.cfs_quota_us", "100000\n"}, {"cpu/a/cpu.cfs_period_us", "100000\n"}}},
         1},
        {{"unlimited, v1",
          "3:cpu:/a\n",
          {{"cpu/a/cpu.cfs_quota_us", "-1\n"}, {"cpu/a/cpu.cfs_period_us", "100000\n"}}},
         0},
        {{"v1 has it, not v2", "0::/a\n3:cpuacct,cpu:/a\n", {{"a/cpu.max", "100000 100000\n"}}}, 0},
        {{"another controller's",
          "3:cpuset:/a\n4:cpuacct:/a\n0::/b\n",
          {{"cpu/a/cpu.cfs_quota_us", "1\n"}, {"cpu/a/cpu.cfs_period_us", "1\n"}}},
         0},
        {{"nonsense", "x\n::\n0::\n0::/a", {{"a/cpu.max", "much 0\n"}}}, 0},
        {{"no period", "0::/a\n", {{"a/cpu.max", "100000\n"}}}, 0},
        {{"period of 0", "0::/a\n", {{"a/cpu.max", "100000 0\n"}}}, 0},
        {{"no end of line", "0::/a", {{"a/cpu.max", "100000 100000"}}}, 1},
    };
    const int all = look_in(rows[0].setting, cpus);
    if (all < 0) { return; }
    if (all == 1) { test::not_run("limits on CPUs", "there is but one"); }
    for (const Row& row : rows) {
        const int expected = row.cpus == 0 || row.cpus > all ? all : row.cpus;
        const int found = look_in(row.setting, cpus);
        if (found != expected) {
            fail_msg("%s: %d CPUs instead of %d", row.setting.what, found, expected);
        }
    }
}

static void a_line_too_long_hides_no_other(void**) {
    constexpr const char* kTail = "3:cpu:/b";  // Where a buffer of 1024 bytes would begin again.
    for (const std::size_t length : {1000u, 1021u, 1022u, 1023u, 1024u, 1025u, 1031u, 3000u}) {
        char groups[4096] = "1:cpuset:/";
        memset(groups + strlen(groups), 'x', length - strlen(groups));
        memcpy(groups + 1023, kTail, strlen(kTail));
        strcpy(groups + length, "\n0::/a\n");
        const Setting setting = {"a long line", groups, {{"a/cpu.max", "100000 100000\n"}}};
        const int found = look_in(setting, cpus);
        if (found < 0) { return; }
        assert_int_equal(found, 1);
    }
}

// ---- Memory ------------------------------------------------------------------------------------

constexpr std::size_t kMiB = 1024 * 1024;

static int share_4_mib() {
    const brood::Result<void*> address = port::map_shared(4 * kMiB);
    if (address.ok()) { port::unmap(*address, 4 * kMiB); }
    return address.ok() ? 0 : static_cast<int>(address.code());
}

static int allocate_4_mib() {
    const char* const name = "/brood-cgroup-test";
    const brood::Result<port::Fd> fd = port::create_object(name, 0600);
    if (!fd) { return 98; }
    const brood::Status allocated = port::allocate_object(*fd, 4 * kMiB);
    const bool is_empty = port::object_bytes(*fd).value_or(1) == 0;
    port::remove_object(name).ignore();
    port::close(*fd);
    if (!allocated.ok() && !is_empty) { return 97; }
    return static_cast<int>(allocated.code());
}

static void memory_beyond_a_groups_limit_is_refused(void**) {
    struct Row {
        Setting setting;
        Errc code;
    };
    const Row rows[] = {
        {{"no groups", "", {}}, Errc::ok},
        {{"unlimited", "0::/a\n", {{"a/memory.max", "max\n"}, {"a/memory.current", "9\n"}}},
         Errc::ok},
        {{"room", "0::/a\n", {{"a/memory.max", "8388608\n"}, {"a/memory.current", "1048576\n"}}},
         Errc::ok},
        {{"no room", "0::/a\n", {{"a/memory.max", "8388608\n"}, {"a/memory.current", "4194305\n"}}},
         Errc::no_space},
        {{"a limit below the size",
          "0::/a\n",
          {{"a/memory.max", "4096\n"}, {"a/memory.current", "0\n"}}},
         Errc::no_space},
        {{"full of unused files",
          "0::/a\n",
          {{"a/memory.max", "8388608\n"},
           {"a/memory.current", "8388608\n"},
           {"a/memory.stat", "anon 9\ninactive_file_x 1\ninactive_file 6291456\n"}}},
         Errc::ok},
        {{"full of files in use",
          "0::/a\n",
          {{"a/memory.max", "8388608\n"},
           {"a/memory.current", "8388608\n"},
           {"a/memory.stat", "inactive_file 4096\nactive_file 6291456\n"}}},
         Errc::no_space},
        {{"no room in the parent",
          "0::/a/b\n",
          {{"a/b/memory.max", "max\n"},
           {"a/b/memory.current", "0\n"},
           {"a/memory.max", "8388608\n"},
           {"a/memory.current", "8388608\n"}}},
         Errc::no_space},
        {{"room, v1",
          "4:memory:/a\n",
          {{"memory/a/memory.limit_in_bytes", "9223372036854771712\n"},
           {"memory/a/memory.usage_in_bytes", "1000000\n"}}},
         Errc::ok},
        {{"no room, v1",
          "4:memory:/a\n0::/\n",
          {{"memory/a/memory.limit_in_bytes", "8388608\n"},
           {"memory/a/memory.usage_in_bytes", "8000000\n"}}},
         Errc::no_space},
        {{"full of unused files, v1",
          "4:memory:/a\n",
          {{"memory/a/memory.limit_in_bytes", "8388608\n"},
           {"memory/a/memory.usage_in_bytes", "8388608\n"},
           {"memory/a/memory.stat", "inactive_file 0\ntotal_inactive_file 6291456\n"}}},
         Errc::ok},
    };
    for (const Row& row : rows) {
        const int shared = look_in(row.setting, share_4_mib);
        if (shared < 0) { return; }
        const int allocated = look_in(row.setting, allocate_4_mib);
        if (shared != static_cast<int>(row.code) || allocated != static_cast<int>(row.code)) {
            fail_msg("%s: %d and %d instead of %d", row.setting.what, shared, allocated,
                     static_cast<int>(row.code));
        }
    }
}

// Each is too small to be looked at by itself; 64 of them are a MiB.
static void small_requests_are_looked_at_when_they_add_up(void**) {
    const Setting full = {"small requests",
                          "0::/a\n",
                          {{"a/memory.max", "8388608\n"}, {"a/memory.current", "8388608\n"}}};
    const int code = look_in(full, [] {
        for (int count = 0; count < 64; ++count) {
            const brood::Result<void*> address = port::map_shared(16 * 1024);
            if (!address) { return static_cast<int>(address.code()); }
        }
        return 0;
    });
    if (code >= 0) { assert_int_equal(code, static_cast<int>(Errc::no_space)); }
}

static int share_4_mib_of(const char* memory) {
    constexpr const char* kMemory = "/sys/fs/cgroup/memory-of-the-system";
    if (!put(kMemory, memory) || mount(kMemory, "/proc/meminfo", "", MS_BIND, "") != 0) {
        return kNotAllowed;
    }
    return share_4_mib();
}

static void more_memory_than_the_system_has_is_refused(void**) {
    const Setting none = {"the system's memory", "", {}};
    const int enough = look_in(none, [] {
        return share_4_mib_of("MemTotal: 9 kB\nMemAvailable:    8192 kB\nSwapFree:  0 kB\n");
    });
    if (enough < 0) { return; }
    assert_int_equal(enough, 0);
    const int swapped = look_in(
        none, [] { return share_4_mib_of("MemAvailable:    1 kB\nSwapFree:    8192 kB\n"); });
    assert_int_equal(swapped, 0);
    const int short_of = look_in(none, [] {
        return share_4_mib_of("MemAvailable:    4096 kB\nSwapFree:   0 kB\nMemFree: 99999 kB\n");
    });
    assert_int_equal(short_of, static_cast<int>(Errc::no_space));
    assert_int_equal(look_in(none, [] { return share_4_mib_of("nonsense\n"); }), 0);  // sysinfo()
}

int main() {
    print_message("port: %s\n", port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(cpus_are_limited_by_every_group_above),
        cmocka_unit_test(a_line_too_long_hides_no_other),
        cmocka_unit_test(memory_beyond_a_groups_limit_is_refused),
        cmocka_unit_test(small_requests_are_looked_at_when_they_add_up),
        cmocka_unit_test(more_memory_than_the_system_has_is_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
