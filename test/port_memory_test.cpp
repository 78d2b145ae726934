// Goal: every port maps pages and makes shared objects as port/port.hpp says: allocated when they
// are made, with the rights that were asked for, and leaving nothing behind.
// Method: real objects; a tiny /dev/shm in a mount namespace of its own for what does not fit.
#include "support.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <port/port.hpp>

namespace port = brood::port;
using brood::Errc;
using test::assert_code;
using test::assert_ok;

static constexpr const char* kName = "/brood-port-memory-test";
static constexpr std::size_t kMiB = 1024 * 1024;

static int remove_name(void**) {
    shm_unlink(kName);
    return 0;
}

static void shared_pages_are_zeroed_and_seen_by_children(void**) {
    const std::size_t names = test::count_entries("/dev/shm");
    const std::size_t descriptors = test::open_descriptors();
    const std::size_t bytes = 3 * port::page_bytes() + 1;
    const brood::Result<void*> pages = port::map_shared(bytes);
    assert_ok(pages);
    auto* const data = static_cast<unsigned char*>(*pages);
    for (std::size_t at = 0; at < 4 * port::page_bytes(); ++at) { assert_int_equal(data[at], 0); }
    test::assert_child_exits(0, [&] {
        data[bytes - 1] = 42;
        return 0;
    });
    assert_int_equal(data[bytes - 1], 42);
    port::hide_from_dumps(*pages, bytes);
    assert_int_equal(data[bytes - 1], 42);
    port::unmap(*pages, bytes);
    assert_int_equal(test::count_entries("/dev/shm"), names);
    assert_int_equal(test::open_descriptors(), descriptors);
}

static void private_pages_are_zeroed_and_not_seen_by_others(void**) {
    const brood::Result<void*> pages = port::map_private(5000);
    assert_ok(pages);
    auto* const data = static_cast<unsigned char*>(*pages);
    for (std::size_t at = 0; at < 5000; ++at) { assert_int_equal(data[at], 0); }
    test::assert_child_exits(0, [&] {
        data[0] = 42;
        return 0;
    });
    assert_int_equal(data[0], 0);
    port::unmap(*pages, 5000);
}

static std::size_t resident_pages(void* address, std::size_t bytes) {
    static unsigned char pages[4096];
    const std::size_t count = bytes / port::page_bytes();
    assert_true(count <= sizeof pages);
    assert_int_equal(mincore(address, bytes, pages), 0);
    std::size_t resident = 0;
    for (std::size_t i = 0; i < count; ++i) { resident += pages[i] & 1u; }
    return resident;
}

static void reserved_memory_is_allocated_in_parts_and_given_back(void**) {
    const std::size_t descriptors = test::open_descriptors(), page = port::page_bytes();
    const brood::Result<port::Reservation> memory = port::reserve_shared(16 * kMiB, 1);
    assert_ok(memory);
    assert_int_equal(test::open_descriptors(), descriptors);
    assert_true(memory->bytes >= page && memory->bytes <= 16 * kMiB);
    assert_int_equal(memory->bytes % page, 0);
    assert_int_equal(resident_pages(memory->address, memory->bytes), 0);
    auto* const part = static_cast<unsigned char*>(memory->address) + 3 * page;
    assert_ok(port::allocate_reserved(part, 5 * page));
    assert_int_equal(resident_pages(memory->address, memory->bytes), 5);
    memset(part, 7, 5 * page);
    test::assert_child_exits(0, [&] {
        part[page] = 42;
        return part[2 * page] == 7 ? 0 : 1;
    });
    assert_int_equal(part[page], 42);
    assert_ok(port::allocate_reserved(part + 5 * page, page));  // What is there stays as it is.
    assert_int_equal(part[page], 42);
    const brood::Status given = port::give_back(part + page, 4 * page);
    assert_true(given.ok() || given.code() == Errc::unsupported);
    assert_int_equal(resident_pages(memory->address, memory->bytes), given.ok() ? 2 : 6);
    assert_int_equal(part[0], 7);
    assert_ok(port::allocate_reserved(part + page, 4 * page));
    part[4 * page] = 1;
    port::unmap(memory->address, memory->bytes);
    assert_int_equal(test::open_descriptors(), descriptors);
    if (!given.ok()) { test::not_run("pages given back", "this system keeps them"); }
}

static void as_much_is_reserved_as_can_be(void**) {
    assert_code(port::reserve_shared(0, 0), Errc::size_zero);
    assert_code(port::reserve_shared(1, 2), Errc::size_zero);
    assert_code(port::reserve_shared(SIZE_MAX, SIZE_MAX), Errc::size_too_large);
    const brood::Result<port::Reservation> most = port::reserve_shared(PTRDIFF_MAX, 1);
    assert_ok(most);
    assert_true(most->bytes >= 16 * kMiB);
    port::unmap(most->address, most->bytes);
}

static void less_is_reserved_where_addresses_are_limited(void**) {
#if defined(__SANITIZE_ADDRESS__)
    test::not_run("a limit on addresses", "AddressSanitizer needs them all");
#else
    test::assert_child_exits(0, [] {
        const rlimit few = {64 * kMiB, 64 * kMiB};
        if (setrlimit(RLIMIT_AS, &few) != 0) { return 1; }
        const brood::Result<port::Reservation> less = port::reserve_shared(512 * kMiB, 1);
        return less.ok() && less->bytes >= 8 * kMiB && less->bytes < 64 * kMiB ? 0 : 2;
    });
#endif
}

static void what_is_mapped_is_known(void**) {
    const std::size_t page = port::page_bytes();
    assert_true(page >= 512 && (page & (page - 1)) == 0);
    for (const bool shared : {true, false}) {
        const brood::Result<void*> pages = shared ? port::map_shared(1) : port::map_private(1);
        assert_ok(pages);
        const auto* const data = static_cast<const unsigned char*>(*pages);
        assert_true(port::is_mapped(data));
        assert_true(port::is_mapped(data + page - 1));
        port::unmap(*pages, 1);  // The whole page goes.
        assert_false(port::is_mapped(data));
        assert_false(port::is_mapped(data + page - 1));
    }
    assert_false(port::is_mapped(nullptr));
}

static void impossible_sizes_are_refused_and_leave_nothing(void**) {
    const std::size_t names = test::count_entries("/dev/shm");
    const std::size_t descriptors = test::open_descriptors();
    assert_code(port::map_shared(0), Errc::size_zero);
    assert_code(port::map_private(0), Errc::size_zero);
    assert_code(port::map_shared(SIZE_MAX), Errc::size_too_large);
    assert_code(port::map_private(SIZE_MAX), Errc::size_too_large);
    assert_code(port::map_private(PTRDIFF_MAX), Errc::size_too_large);
    if (sizeof(void*) == 8) {  // With 32 bits there may be as much.
        assert_code(port::map_private(PTRDIFF_MAX - port::page_bytes()), Errc::no_memory);
    }
    test::assert_child_exits(0, [] {
        // A port that does not refuse this dies here, before it has eaten the system's memory.
        const rlimit limit = {64 * kMiB, 64 * kMiB};
        setrlimit(RLIMIT_FSIZE, &limit);
        setrlimit(RLIMIT_AS, &limit);
        const Errc huge = port::map_shared(SIZE_MAX / 4).code();
        return huge == Errc::no_space || huge == Errc::no_memory ? 0 : 1;
    });
    assert_int_equal(test::count_entries("/dev/shm"), names);
    assert_int_equal(test::open_descriptors(), descriptors);
}

static void an_object_has_exactly_the_mode_that_was_asked_for(void**) {
    for (const mode_t mask : {mode_t{0}, mode_t{0777}, mode_t{022}}) {
        for (const std::uint32_t mode : {0600u, 0666u, 0640u}) {
            const mode_t former = umask(mask);
            const brood::Result<port::Fd> fd = port::create_object(kName, mode);
            umask(former);
            assert_ok(fd);
            struct stat found = {};
            assert_int_equal(fstat(*fd, &found), 0);
            assert_int_equal(found.st_mode & 07777, mode);
            assert_int_equal(*port::object_bytes(*fd), 0);
            assert_int_equal(fcntl(*fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
            port::close(*fd);
            assert_ok(port::remove_object(kName));
        }
    }
}

static void a_name_is_taken_once_and_gone_when_removed(void**) {
    assert_code(port::open_object(kName, true), Errc::not_found);
    assert_code(port::remove_object(kName), Errc::not_found);
    const brood::Result<port::Fd> first = port::create_object(kName, 0600);
    assert_ok(first);
    assert_code(port::create_object(kName, 0600), Errc::already_exists);
    const brood::Result<port::Fd> again = port::open_object(kName, true);
    assert_ok(again);
    const port::ObjectIdentity identity = *port::object_identity(*first);
    assert_true(identity == *port::object_identity(*again));
    assert_ok(port::remove_object(kName));
    const brood::Result<port::Fd> other = port::create_object(kName, 0600);
    assert_ok(other);
    assert_false(identity == *port::object_identity(*other));
    assert_ok(port::remove_object(kName));
    for (const port::Fd fd : {*first, *again, *other}) { port::close(fd); }
    assert_code(port::object_bytes(*first), Errc::closed);
}

// How many bytes after the '/' are allowed differs by libc: the first that is refused is found.
static void a_name_that_is_too_long_is_refused_as_such(void**) {
    char name[400] = "/";
    std::size_t length = 1;
    bool refused = false;
    while (!refused) {
        assert_true(length < 300);
        memset(name + 1, 'x', length);
        const brood::Result<port::Fd> fd = port::create_object(name, 0600);
        refused = !fd.ok();
        if (fd.ok()) {
            port::close(*fd);
            assert_ok(port::remove_object(name));
            ++length;
        } else {
            assert_code(fd, Errc::name_too_long);
        }
    }
    assert_true(length > 200);
    memset(name + 1, 'x', 300);
    assert_code(port::create_object(name, 0600), Errc::name_too_long);
    assert_code(port::open_object(name, true), Errc::name_too_long);
    assert_code(port::remove_object(name), Errc::name_too_long);
}

static void an_object_is_mapped_by_whoever_opens_it(void**) {
    const std::size_t bytes = 2 * port::page_bytes();
    const brood::Result<port::Fd> fd = port::create_object(kName, 0600);
    assert_ok(fd);
    assert_ok(port::allocate_object(*fd, bytes));
    const brood::Result<void*> mine = port::map_object(*fd, bytes, true);
    assert_ok(mine);
    static_cast<char*>(*mine)[bytes - 1] = 'a';
    test::assert_child_exits(0, [&] {
        const brood::Result<port::Fd> opened = port::open_object(kName, false);
        if (!opened.ok() || *port::object_bytes(*opened) != bytes) { return 1; }
        if (port::map_object(*opened, bytes, true).code() != Errc::not_permitted) { return 2; }
        const brood::Result<void*> theirs = port::map_object(*opened, bytes, false);
        if (!theirs.ok()) { return 3; }
        return static_cast<const char*>(*theirs)[bytes - 1] == 'a' ? 0 : 4;
    });
    assert_code(port::map_object(*fd, 0, true), Errc::size_zero);
    port::unmap(*mine, bytes);
    port::close(*fd);
    assert_ok(port::remove_object(kName));
}

static void memory_is_allocated_when_it_is_asked_for_and_never_taken_back(void**) {
    const brood::Result<port::Fd> fd = port::create_object(kName, 0600);
    assert_ok(fd);
    for (const std::size_t bytes : {kMiB, 9 * kMiB + 5, 4 * kMiB}) {
        assert_ok(port::allocate_object(*fd, bytes));
        struct stat found = {};
        assert_int_equal(fstat(*fd, &found), 0);
        assert_true(found.st_blocks * 512 >= static_cast<off_t>(bytes));
        assert_true(found.st_size >= static_cast<off_t>(bytes));
    }
    assert_int_equal(*port::object_bytes(*fd), 9 * kMiB + 5);  // Others may have mapped it all.
    assert_code(port::allocate_object(*fd, 0), Errc::size_zero);
    assert_code(port::allocate_object(*fd, SIZE_MAX), Errc::size_too_large);
    port::close(*fd);
    assert_ok(port::remove_object(kName));
}

// What a child in a mount namespace of its own returns when it may not have one.
static constexpr int kNoNamespace = 77;

// Gives the calling process a /dev/shm of 1 MiB. 0, or the exit code that says why not.
static int own_tiny_memory() {
    if (unshare(CLONE_NEWNS) != 0) { return kNoNamespace; }
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) { return kNoNamespace; }
    return mount("tiny", "/dev/shm", "tmpfs", 0, "size=1m") == 0 ? 0 : kNoNamespace;
}

static void what_does_not_fit_is_refused_and_undone(void**) {
    const int code = test::run_child([] {
        const int prepared = own_tiny_memory();
        if (prepared != 0) { return prepared; }
        const brood::Result<port::Fd> fd = port::create_object(kName, 0600);
        if (!fd.ok() || !port::allocate_object(*fd, 512 * 1024).ok()) { return 1; }
        if (port::allocate_object(*fd, 2 * kMiB).code() != Errc::no_space) { return 2; }
        if (*port::object_bytes(*fd) != 512 * 1024) { return 3; }
        struct stat found = {};
        if (fstat(*fd, &found) != 0 || found.st_blocks * 512 != 512 * 1024) { return 4; }
        // The room is still there for what does fit.
        if (!port::allocate_object(*fd, kMiB).ok()) { return 5; }
        if (port::allocate_object(*fd, kMiB + 1).code() != Errc::no_space) { return 6; }
        return *port::object_bytes(*fd) == kMiB ? 0 : 7;
    });
    if (code == kNoNamespace) {
        test::not_run("no_space", "needs root and a mount namespace");
    } else {
        assert_int_equal(code, 0);
    }
}

// To exceed RLIMIT_FSIZE raises SIGXFSZ, which would kill the host.
static void a_limit_on_file_size_is_an_error_and_no_signal(void**) {
    test::assert_child_exits(0, [] {
        const rlimit limit = {kMiB, kMiB};
        setrlimit(RLIMIT_FSIZE, &limit);
        const brood::Result<port::Fd> fd = port::create_object(kName, 0600);
        if (!fd.ok()) { return 1; }
        shm_unlink(kName);
        if (!port::allocate_object(*fd, kMiB).ok()) { return 2; }
        return port::allocate_object(*fd, kMiB + 1).code() == Errc::no_space ? 0 : 3;
    });
}

static void allocating_goes_on_over_signals(void**) {
    test::assert_child_exits(0, [] {
        struct sigaction action = {};
        action.sa_handler = [](int) {};
        sigaction(SIGALRM, &action, nullptr);
        const itimerval storm = {{0, 100}, {0, 100}};  // Every 100 us.
        setitimer(ITIMER_REAL, &storm, nullptr);
        const brood::Result<port::Fd> fd = port::create_object(kName, 0600);
        if (!fd.ok()) { return 1; }
        shm_unlink(kName);
        return port::allocate_object(*fd, 32 * kMiB).ok() ? 0 : 2;
    });
}

static void a_creation_lock_excludes_others_and_ends_with_its_process(void**) {
    const brood::Result<port::Fd> fd = port::create_object(kName, 0600);
    assert_ok(fd);
    test::Handshake locked;
    const pid_t pid = test::start_child([&] {
        const brood::Result<port::Fd> own = port::open_object(kName, true);
        if (!own.ok() || !*port::lock_object(*own)) { return 1; }
        locked.tell();
        return pause();
    });
    assert_true(locked.await());
    const brood::Result<bool> refused = port::lock_object(*fd);
    assert_ok(refused);
    assert_false(*refused);
    kill(pid, SIGKILL);
    assert_int_equal(test::join_child(pid), -SIGKILL);
    assert_true(*port::lock_object(*fd));
    const auto other_may = [&] {
        const brood::Result<port::Fd> own = port::open_object(kName, true);
        return own.ok() && *port::lock_object(*own) ? 1 : 0;
    };
    assert_int_equal(test::run_child(other_may), 0);
    port::unlock_object(*fd);
    assert_int_equal(test::run_child(other_may), 1);
    port::close(*fd);
    assert_ok(port::remove_object(kName));
}

int main() {
    print_message("port: %s\n", port::kName);
    const CMUnitTest tests[] = {
        cmocka_unit_test(shared_pages_are_zeroed_and_seen_by_children),
        cmocka_unit_test(private_pages_are_zeroed_and_not_seen_by_others),
        cmocka_unit_test(reserved_memory_is_allocated_in_parts_and_given_back),
        cmocka_unit_test(as_much_is_reserved_as_can_be),
        cmocka_unit_test(less_is_reserved_where_addresses_are_limited),
        cmocka_unit_test(what_is_mapped_is_known),
        cmocka_unit_test(impossible_sizes_are_refused_and_leave_nothing),
        cmocka_unit_test(an_object_has_exactly_the_mode_that_was_asked_for),
        cmocka_unit_test(a_name_is_taken_once_and_gone_when_removed),
        cmocka_unit_test(a_name_that_is_too_long_is_refused_as_such),
        cmocka_unit_test(an_object_is_mapped_by_whoever_opens_it),
        cmocka_unit_test(memory_is_allocated_when_it_is_asked_for_and_never_taken_back),
        cmocka_unit_test(what_does_not_fit_is_refused_and_undone),
        cmocka_unit_test(a_limit_on_file_size_is_an_error_and_no_signal),
        cmocka_unit_test(allocating_goes_on_over_signals),
        cmocka_unit_test(a_creation_lock_excludes_others_and_ends_with_its_process),
    };
    return cmocka_run_group_tests(tests, remove_name, remove_name);
}
