// Goal (promise 12): memory that is not there is no_space when it is asked for, and never a SIGBUS
// or a kill later.
// Method: children with a /dev/shm of 64 KiB, with none, and in a memory cgroup of 16 MiB of their
// own.
#include "shared_support.hpp"

#include <array>

#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include <brood/array.hpp>
#include <brood/connection.hpp>
#include <brood/manager.hpp>
#include <brood/pool.hpp>
#include <brood/process.hpp>
#include <brood/queue.hpp>
#include <brood/shared_memory.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Array;
using brood::Errc;
using brood::Result;
using brood::SharedMemory;

namespace {

constexpr size_t kKiB = 1024, kMiB = 1024 * 1024;
constexpr int kCannot = 77;

// ---- A full file system ------------------------------------------------------------------------

// Gives the calling process a /dev/shm of 64 KiB, or exits.
void own_tiny_memory() {
    const bool done = unshare(CLONE_NEWNS) == 0 &&
                      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                      mount("tiny", "/dev/shm", "tmpfs", 0, "size=64k") == 0;
    if (!done) { _exit(kCannot); }
}

template <class F>
void in_tiny_memory(const char* what, F f) {
    const int end = end_of(start_child([&] {
        own_tiny_memory();
        f();
    }));
    if (end == kCannot) { return test::not_run(what, "needs root and a mount namespace"); }
    assert_int_equal(end, 0);
}

void a_segment_larger_than_its_file_system_is_no_space(void**) {
    in_tiny_memory("a full /dev/shm", [] {
        const Name name("large");
        for (const size_t bytes : {64 * kKiB + 1, 68 * kKiB, kMiB, 100 * kMiB}) {
            CHECK_IN_CHILD(SharedMemory::create(name, bytes).code() == Errc::no_space);
            CHECK_IN_CHILD(Array<char>::create_named(name, bytes).code() == Errc::no_space);
            CHECK_IN_CHILD(count_entries("/dev/shm") == 0);
        }
        CHECK_IN_CHILD(brood::Manager::create_named(name, 256 * kKiB).code() == Errc::no_space);
        CHECK_IN_CHILD(count_entries("/dev/shm") == 0);
        const Result<SharedMemory> whole = SharedMemory::create(name, 64 * kKiB);
        CHECK_IN_CHILD(whole.ok());
        memset(whole->data(), 1, whole->size());
    });
}

void what_was_made_before_it_was_full_can_be_written_to_the_last_byte(void**) {
    in_tiny_memory("a full /dev/shm", [] {
        constexpr int kMost = 64;
        SharedMemory made[kMost];
        int count = 0;
        Errc end = Errc::ok;
        for (; count < kMost && end == Errc::ok; ++count) {
            char name[32];
            (void)snprintf(name, sizeof(name), "/fill-%d", count);
            Result<SharedMemory> next = SharedMemory::create(name, 12 * kKiB);
            end = next.code();
            if (next.ok()) { made[count] = std::move(*next); }
        }
        CHECK_IN_CHILD(end == Errc::no_space && count >= 2);  // The last did not fit.
        CHECK_IN_CHILD(count_entries("/dev/shm") == static_cast<size_t>(count) - 1);
        for (SharedMemory& memory : made) {
            if (memory.data() != nullptr) { memset(memory.data(), 1, memory.size()); }
        }
        made[0].close();  // What is given back can be had again.
        CHECK_IN_CHILD(SharedMemory::create("/again", 12 * kKiB).ok());
    });
}

// Not even one page is left for the mark of an unfinished object.
void a_name_in_a_full_file_system_is_not_left_behind(void**) {
    in_tiny_memory("a full /dev/shm", [] {
        const Result<SharedMemory> whole = SharedMemory::create("/whole", 64 * kKiB);
        CHECK_IN_CHILD(whole.ok());
        for (const size_t bytes : {size_t{1}, size_t{4}, 4 * kKiB, kMiB}) {
            CHECK_IN_CHILD(SharedMemory::create("/none", bytes).code() == Errc::no_space);
            CHECK_IN_CHILD(Array<char>::create_named("/none", bytes).code() == Errc::no_space);
            CHECK_IN_CHILD(SharedMemory::open("/none").code() == Errc::not_found);
        }
        CHECK_IN_CHILD(count_entries("/dev/shm") == 1);
    });
}

// ---- No file system at all ---------------------------------------------------------------------

// Makes `path`, in a new /dev, what `device` is.
bool put_device(const char* path, int device) {
    char source[64];
    (void)snprintf(source, sizeof(source), "/proc/self/fd/%d", device);
    return close(open(path, O_CREAT | O_CLOEXEC, 0600)) == 0 &&
           mount(source, path, nullptr, MS_BIND, nullptr) == 0 && close(device) == 0;
}

// Gives the calling process a /dev that holds nothing but null and zero, or exits.
void own_bare_devices() {
    bool done = unshare(CLONE_NEWNS) == 0 &&
                mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
    done = done && mount("bare", "/dev", "tmpfs", 0, "size=64k") == 0 &&
           put_device("/dev/null", null) && put_device("/dev/zero", zero);
    if (!done) { _exit(kCannot); }
}

int triple(int n) {
    return 3 * n;
}

// Promise 14: what needs names says so, the rest works (POSIX has no shared memory without one).
void without_dev_shm_names_are_unsupported_and_the_rest_works(void**) {
    const bool has_nameless = strcmp(brood::port::kName, "posix") != 0;
    if (!has_nameless) { test::not_run("memory without /dev/shm", "posix has no other"); }
    const int end = end_of(start_child([&] {
        own_bare_devices();
        CHECK_IN_CHILD(SharedMemory::create("/name", 100).code() == Errc::unsupported);
        CHECK_IN_CHILD(Array<int>::create_named("/name", 100).code() == Errc::unsupported);
        CHECK_IN_CHILD(SharedMemory::open("/name").code() == Errc::not_found);
        CHECK_IN_CHILD(Array<int>::open("/name").code() == Errc::not_found);
        CHECK_IN_CHILD(SharedMemory::remove("/name").code() == Errc::not_found);
        const Errc nameless = has_nameless ? Errc::ok : Errc::unsupported;
        CHECK_IN_CHILD(SharedMemory::anonymous(100).code() == nameless);
        CHECK_IN_CHILD(Array<int>::create(100).code() == nameless);
        CHECK_IN_CHILD(brood::Connection::pipe().code() == nameless);
        brood::Process process([] { brood::this_process::exit(5); });
        CHECK_IN_CHILD(process.start().ok() && process.join().ok() && *process.exit_code() == 5);
        brood::Result<brood::Pool> pool = brood::Pool::create(brood::PoolOptions().workers(2));
        CHECK_IN_CHILD(pool.code() == nameless);
        CHECK_IN_CHILD(!pool.ok() || *pool->apply(triple, 14) == 42);
    }));
    if (end == kCannot) { return test::not_run("no /dev/shm", "needs root and a mount namespace"); }
    assert_int_equal(end, 0);
}

// ---- A memory cgroup ---------------------------------------------------------------------------

bool write_to(const char* folder, const char* file, const char* text) {
    char path[PATH_MAX + 64];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) { return false; }
    const bool written = write(fd, text, strlen(text)) == static_cast<ssize_t>(strlen(text));
    return close(fd) == 0 && written;
}

// A memory cgroup with a limit, below our own or below the root, of version 1 or 2.
class MemoryGroup {
public:
    explicit MemoryGroup(const char* limit) {
        char own[2][PATH_MAX] = {"", ""};  // Of version 1, and of version 2.
        read_own(own);
        const char* const roots[] = {"/sys/fs/cgroup/memory", "/sys/fs/cgroup"};
        for (int version = 0; version < 2 && path_[0] == '\0'; ++version) {
            if (!make(roots[version], own[version], limit)) { make(roots[version], "", limit); }
        }
    }
    ~MemoryGroup() {
        if (made()) {
            assert_true(test::eventually([&] { return rmdir(path_) == 0; }));
        }
    }
    MemoryGroup(const MemoryGroup&) = delete;
    MemoryGroup& operator=(const MemoryGroup&) = delete;
    bool made() const { return path_[0] != '\0'; }
    bool join() const { return write_to(path_, "cgroup.procs", "0"); }

private:
    static void read_own(char (&own)[2][PATH_MAX]) {
        FILE* const file = fopen("/proc/self/cgroup", "re");
        if (file == nullptr) { return; }
        char line[PATH_MAX];
        while (fgets(line, sizeof(line), file) != nullptr) {
            line[strcspn(line, "\n")] = '\0';
            const char* const memory = strstr(line, ":memory:");
            if (memory != nullptr) { (void)strcpy(own[0], memory + strlen(":memory:")); }
            if (strncmp(line, "0::", 3) == 0) { (void)strcpy(own[1], line + 3); }
        }
        (void)fclose(file);
    }
    bool make(const char* root, const char* own, const char* limit) {
        const int length = snprintf(path_, sizeof(path_), "%s%s/brood-test-%d", root, own,
                                    static_cast<int>(getpid()));
        if (length < static_cast<int>(sizeof(path_)) && mkdir(path_, 0700) == 0) {
            if (write_to(path_, "memory.limit_in_bytes", limit) ||
                write_to(path_, "memory.max", limit)) {
                return true;
            }
            (void)rmdir(path_);
        }
        path_[0] = '\0';
        return false;
    }
    char path_[2 * PATH_MAX] = "";
};

void fill_a_queue() {
    using Block = std::array<int, kKiB>;
    Result<brood::Queue<Block>> queue = brood::Queue<Block>::create();
    CHECK_IN_CHILD(queue.ok());
    int count = 0;
    brood::Status put = Errc::ok;
    for (Block block = {}; count < 10000 && put.ok(); count += put.ok() ? 1 : 0) {
        block[0] = block[kKiB - 1] = count;
        put = queue->put(block);
    }
    CHECK_IN_CHILD(put.code() == Errc::no_space && count >= 1024 && count < 4096);
    for (int i = 0; i < count; ++i) {
        const Result<Block> got = queue->get_nowait();
        CHECK_IN_CHILD(got.ok() && (*got)[0] == i && (*got)[kKiB - 1] == i);
    }
    if (!gives_back()) { return test::not_run("memory given back", "it is kept here"); }
    CHECK_IN_CHILD(SharedMemory::anonymous(4 * kMiB).ok());
}

void use_group(const MemoryGroup& group) {
    CHECK_IN_CHILD(group.join());
    const Name name("group");
    for (const size_t bytes : {17 * kMiB, 64 * kMiB}) {
        CHECK_IN_CHILD(SharedMemory::anonymous(bytes).code() == Errc::no_space);
        CHECK_IN_CHILD(Array<char>::create(bytes).code() == Errc::no_space);
        CHECK_IN_CHILD(SharedMemory::create(name, bytes).code() == Errc::no_space);
        CHECK_IN_CHILD(SharedMemory::open(name).code() == Errc::not_found);
    }
    // In pieces, the one that would be too much is refused; the others are there.
    constexpr int kMost = 8;
    SharedMemory pieces[kMost];
    int count = 0;
    Errc end = Errc::ok;
    while (count < kMost && end == Errc::ok) {
        Result<SharedMemory> piece = SharedMemory::anonymous(4 * kMiB);
        end = piece.code();
        if (piece.ok()) { pieces[count++] = std::move(*piece); }
    }
    // The process itself needs some, too.
    CHECK_IN_CHILD(end == Errc::no_space && count >= 1 && count <= 3);
    for (int i = 0; i < count; ++i) { memset(pieces[i].data(), 1, pieces[i].size()); }
    pieces[0].close();
    CHECK_IN_CHILD(SharedMemory::anonymous(4 * kMiB).ok());
    for (SharedMemory& piece : pieces) { piece.close(); }
    fill_a_queue();
}

void memory_beyond_the_limit_of_a_cgroup_is_no_space_and_no_kill(void**) {
    if (strcmp(brood::port::kName, "posix") == 0) {
        return test::not_run("a memory cgroup", "posix knows of none: it kills there");
    }
    int end = -1;
    {
        const MemoryGroup group("16777216");
        if (!group.made()) { return test::not_run("a memory cgroup", "none can be made here"); }
        end = end_of(start_child([&] { use_group(group); }));
    }
    assert_int_equal(end, 0);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(a_segment_larger_than_its_file_system_is_no_space),
        TIDY(what_was_made_before_it_was_full_can_be_written_to_the_last_byte),
        TIDY(a_name_in_a_full_file_system_is_not_left_behind),
        TIDY(without_dev_shm_names_are_unsupported_and_the_rest_works),
        TIDY(memory_beyond_the_limit_of_a_cgroup_is_no_space_and_no_kill),
    };
    return cmocka_run_group_tests_name("shared_memory_limits", tests, nullptr, nullptr);
}
