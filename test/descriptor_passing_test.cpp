// Goal: descriptors travel through connections of AF_UNIX, one at a time, and none that a stranger
// sends stays open.
#include "socket_support.hpp"

#include <sys/resource.h>

using namespace socket_test;

namespace {

unsigned char g_got[64];

Result<std::size_t> receive(Connection& end) {
    return end.recv_bytes(g_got, sizeof g_got, kLong);
}

// As a stranger may: any number of them with some bytes.
void send_descriptors(int socket, const char* bytes, std::size_t count, int descriptors) {
    iovec piece = {const_cast<char*>(bytes), count};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 100)] = {};
    msghdr message = {};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * static_cast<unsigned>(descriptors));
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * static_cast<unsigned>(descriptors));
    for (int i = 0; i < descriptors; ++i) {
        const int fd = 1;
        memcpy(CMSG_DATA(part) + static_cast<unsigned>(i) * sizeof fd, &fd, sizeof fd);
    }
    assert_int_equal(sendmsg(socket, &message, 0), count);
}

void surplus_descriptors_are_closed(void**) {
    const Folder folder;
    const std::size_t before = test::open_descriptors();
    for (const int many : {2, 3, 16, 17, 100}) {
        Pair pair(folder);
        send_descriptors(pair.stranger->fd(), "\2", 1, many);
        assert_code(pair.end.recv_fd(kLong), Errc::bad_frame);
        assert_code(pair.end.recv_fd(kLong), Errc::bad_frame);
        assert_code(receive(pair.end), Errc::bad_frame);
        pair.end.close();
        pair.stranger->close();
        pair.listener.close();
        assert_int_equal(test::open_descriptors(), before);
    }
    // With a message there may be none: they never arrive.
    Pair pair(folder);
    const std::size_t open = test::open_descriptors();
    send_descriptors(pair.stranger->fd(), frame("hello").data(), 9, 5);
    assert_int_equal(*receive(pair.end), 5);
    assert_int_equal(test::open_descriptors(), open);
    // A wrong count with one.
    send_descriptors(pair.stranger->fd(), "\2", 1, 1);
    assert_code(pair.end.recv_fd(kLong), Errc::bad_frame);
    assert_int_equal(test::open_descriptors(), open);
}

void descriptors_travel_only_where_they_can(void**) {
    const Folder folder;
    Listener local = listen_at(folder.address()), ip = listen_at(Address::ip("127.0.0.1", 0));
    Ends near = connect_ends(local), far = connect_ends(ip);
    brood::ConnectionPair pipes = Connection::pipe().expect("pipe");
    assert_code(pipes.first.send_fd(0), Errc::unsupported);
    assert_code(pipes.first.recv_fd(), Errc::unsupported);
    assert_code(far.client.send_fd(0, kLong), Errc::unsupported);
    check_talk(far.client, far.server);
    assert_ok(far.client.send_bytes("x", 1));
    assert_code(far.server.recv_fd(kLong), Errc::unsupported);
    assert_int_equal(*receive(far.server), 1);
    assert_code(near.client.send_fd(-1, kLong), Errc::closed);
    assert_code(near.server.recv_fd(milliseconds(20)), Errc::timed_out);
    near.client.close();
    assert_code(near.server.recv_fd(kLong), Errc::end_of_stream);
}

void descriptors_of_high_numbers_travel_too(void**) {
    const Folder folder;
    Listener listener = listen_at(folder.address());
    Ends ends = connect_ends(listener);
    rlimit limit = {};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const int high = fcntl(1, F_DUPFD_CLOEXEC, static_cast<int>(limit.rlim_cur) - 1);
    assert_true(high >= 256);
    for (int i = 0; i < 3; ++i) {
        assert_ok(ends.client.send_fd(high, kLong));
        const int got = ends.server.recv_fd(kLong).expect("receiving");
        struct stat mine = {}, theirs = {};
        assert_int_equal(fstat(1, &mine), 0);
        assert_int_equal(fstat(got, &theirs), 0);
        assert_true(mine.st_ino == theirs.st_ino && mine.st_dev == theirs.st_dev);
        close(got);
        check_talk(ends.client, ends.server);
    }
    close(high);
    // No room for it: it is lost, and what follows is not.
    assert_ok(ends.client.send_fd(1, kLong));
    rlimit none = limit;
    none.rlim_cur = static_cast<rlim_t>(dup(0));
    close(static_cast<int>(none.rlim_cur));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    const Errc got = ends.server.recv_fd(kLong).code();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(got, Errc::too_many_files);
    check_talk(ends.client, ends.server);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(surplus_descriptors_are_closed),
        cmocka_unit_test(descriptors_travel_only_where_they_can),
        cmocka_unit_test(descriptors_of_high_numbers_travel_too),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
