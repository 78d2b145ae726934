// Goal: every limit of the system on message queues is an error of its own with the limit's name
// and value, told beforehand by limits() (promise 13); a system without them says unsupported
// (14); modes are exact whatever the umask (20).
// Method: ordinary users, since root has no limits; the bare call must fail first. Seccomp filters,
// private namespaces, and umasks in children.
#include "shared_support.hpp"
#include "sandbox_support.hpp"

#include <grp.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <brood/message_queue.hpp>
#include <brood/process.hpp>
#include <brood/text.hpp>
#include <port/port.hpp>

using namespace shared_test;
using brood::Access;
using brood::Errc;
using brood::Error;
using brood::Limit;
using brood::MessageQueue;
using brood::MessageQueueLimits;
using brood::Result;

namespace {

using IntQueue = MessageQueue<int>;

constexpr int kCannot = 77, kNoSuchLimit = 78;

bool is_linux() {
    return strcmp(brood::port::kName, "linux") == 0;
}

struct QueueName : Name {
    using Name::Name;
    ~QueueName() { (void)mq_unlink(text); }
};

// A user whom limits bind, and who has no other queues.
void become_ordinary() {
    if (getuid() != 0) { return; }
    const bool done = setgroups(0, nullptr) == 0 && setresgid(64321, 64321, 64321) == 0 &&
                      setresuid(64321, 64321, 64321) == 0;
    if (!done) { _exit(kCannot); }
}

// The errno of a bare mq_open() of such a queue; 0: it worked.
int bare_refusal(long depth, long bytes) {
    mq_attr attributes = {};
    attributes.mq_maxmsg = depth;
    attributes.mq_msgsize = bytes;
    const mqd_t queue = mq_open("/brood-test-bare", O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    if (queue == static_cast<mqd_t>(-1)) { return errno; }
    (void)mq_close(queue);
    (void)mq_unlink("/brood-test-bare");
    return 0;
}

template <class F>
void as_ordinary_user(const char* what, F f) {
    const int end = end_of(start_child([&] {
        become_ordinary();
        f();
    }));
    if (end == kCannot) { return test::not_run(what, "cannot become another user"); }
    if (end == kNoSuchLimit) { return test::not_run(what, "the bare call does not meet it"); }
    assert_int_equal(end, 0);
}

void require_bare_refusal(long depth, long bytes, int wanted) {
    if (bare_refusal(depth, bytes) != wanted) { _exit(kNoSuchLimit); }
}

// The number in a file, as the administrator sees it.
std::int64_t setting(const char* name) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/sys/fs/mqueue/%s", name);
    FILE* const file = fopen(path, "re");
    long long value = -1;
    if (file == nullptr || fscanf(file, "%lld", &value) != 1) { value = -1; }
    if (file != nullptr) { (void)fclose(file); }
    return value;
}

bool is_limit(const Error& error, Limit limit, const char* name, std::int64_t value) {
    return error == Errc::over_system_limit && error.limit() == limit &&
           strcmp(error.limit_name(), name) == 0 && error.detail() == value;
}

// ---- Limits (promise 13) -----------------------------------------------------------------------

void a_queue_deeper_than_msg_max_names_it(void**) {
    as_ordinary_user("msg_max", [] {
        const auto most = static_cast<std::size_t>(setting("msg_max"));
        require_bare_refusal(static_cast<long>(most) + 1, 4, EINVAL);
        const auto value = static_cast<std::int64_t>(most);
        CHECK_IN_CHILD(IntQueue::create(most).ok());
        for (const std::size_t depth : {most + 1, std::size_t{65537}, SIZE_MAX / 2, SIZE_MAX}) {
            const Result<IntQueue> queue = IntQueue::create(depth);
            CHECK_IN_CHILD(is_limit(queue.error(), Limit::msg_max, "msg_max", value));
        }
        const QueueName name("deep");
        const Result<IntQueue> named = IntQueue::create_named(name, most + 1);
        CHECK_IN_CHILD(is_limit(named.error(), Limit::msg_max, "msg_max", value));
        CHECK_IN_CHILD(IntQueue::open(name).code() == Errc::not_found);
        char words[200];
        CHECK_IN_CHILD(strstr(named.error().describe(words, sizeof words), "(msg_max is ") !=
                       nullptr);
        CHECK_IN_CHILD(!is_linux() || IntQueue::limits().depth == most);
    });
}

struct Large {
    char bytes[8193];
};
struct Fits {
    char bytes[8192];
};

void a_message_longer_than_msgsize_max_names_it(void**) {
    as_ordinary_user("msgsize_max", [] {
        if (setting("msgsize_max") != 8192) { _exit(kNoSuchLimit); }
        require_bare_refusal(1, 8193, EINVAL);
        CHECK_IN_CHILD(MessageQueue<Fits>::create(1).ok());
        const auto queue = MessageQueue<Large>::create(1);
        CHECK_IN_CHILD(is_limit(queue.error(), Limit::msgsize_max, "msgsize_max", 8192));
        CHECK_IN_CHILD(!is_linux() || IntQueue::limits().message_bytes == 8192);
    });
}

void all_queues_of_a_user_beyond_rlimit_msgqueue_name_it(void**) {
    as_ordinary_user("RLIMIT_MSGQUEUE", [] {
        const rlimit limit = {5000, 5000};
        CHECK_IN_CHILD(setrlimit(RLIMIT_MSGQUEUE, &limit) == 0);
        require_bare_refusal(1, 8000, EMFILE);
        const IntQueue small = IntQueue::create(10).expect("a small queue");
        const auto queue = MessageQueue<Fits>::create(1);
        if (is_linux()) {
            CHECK_IN_CHILD(
                is_limit(queue.error(), Limit::rlimit_msgqueue, "RLIMIT_MSGQUEUE", 5000));
            CHECK_IN_CHILD(IntQueue::limits().user_bytes == 5000);
        } else {
            CHECK_IN_CHILD(queue.error().limit() == Limit::mq_open_max);
        }
        CHECK_IN_CHILD(queue.error().os_error() == EMFILE);
    });
    if (!is_linux()) {
        test::not_run("RLIMIT_MSGQUEUE by its name", "posix knows MQ_OPEN_MAX in its place");
    }
}

// In an IPC namespace of their own, so that nobody else's queues count.
void three_hundred_queues_end_at_queues_max(void**) {
    constexpr int kQueues = 300;
    const int end = end_of(start_child([] {
        if (unshare(CLONE_NEWIPC) != 0) { _exit(kCannot); }
        become_ordinary();
        static IntQueue queues[kQueues];
        const auto most = setting("queues_max");
        if (most >= kQueues) { _exit(kNoSuchLimit); }
        for (std::int64_t made = 0; made < most; ++made) {
            queues[made] = IntQueue::create(1).expect("one more queue");
        }
        require_bare_refusal(1, 4, ENOSPC);
        const Error error = IntQueue::create(1).error();
        CHECK_IN_CHILD(is_limit(error, Limit::queues_max, "queues_max", is_linux() ? most : 0));
        queues[0].close();
        CHECK_IN_CHILD(IntQueue::create(1).ok());
        CHECK_IN_CHILD(!is_linux() ||
                       IntQueue::limits().queues == static_cast<std::uint64_t>(most));
    }));
    if (end == kCannot) { return test::not_run("queues_max", "needs root and an IPC namespace"); }
    if (end == kNoSuchLimit) { return test::not_run("queues_max", "it is not met here"); }
    assert_int_equal(end, 0);
}

void without_a_descriptor_it_is_too_many_files_and_names_the_limit(void**) {
    assert_child_exits(0, [] {
        const rlimit limit = {20, 20};
        CHECK_IN_CHILD(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        while (dup(2) >= 0) {}
        for (const Error& error :
             {IntQueue::create().error(), IntQueue::create_named(QueueName("files")).error(),
              IntQueue::open(Name("files")).error()}) {
            CHECK_IN_CHILD(error == Errc::too_many_files && error.os_error() == EMFILE);
            CHECK_IN_CHILD(error.limit() == Limit::rlimit_nofile && error.detail() == 20);
        }
        CHECK_IN_CHILD(close(19) == 0);
        CHECK_IN_CHILD(IntQueue::create().ok());
    });
}

void a_priority_beyond_the_systems_names_mq_prio_max(void**) {
    IntQueue queue = IntQueue::create().expect("queue");
    const long most = sysconf(_SC_MQ_PRIO_MAX);
    assert_true(most > 0);
    assert_int_equal(IntQueue::limits().priorities, most);
    const auto end = static_cast<std::uint32_t>(most);
    test::assert_ok(queue.put(1, end - 1));
    for (const std::uint32_t priority : {end, end + 1, UINT32_MAX}) {
        const brood::Status status = queue.put(1, priority);
        assert_true(is_limit(status.error(), Limit::mq_prio_max, "MQ_PRIO_MAX", most));
        assert_int_equal(queue.put_nowait(1, priority).error().limit(), Limit::mq_prio_max);
    }
    assert_int_equal(*queue.qsize(), 1);
}

void limits_of_who_may_exceed_them_are_the_hard_ones(void**) {
    if (!is_linux()) { return test::not_run("limits()", "posix tells few of them"); }
    // In a user namespace root is root no more.
    assert_child_exits(0, [] {
        if (unshare(CLONE_NEWUSER) != 0) { _exit(0); }
        CHECK_IN_CHILD(IntQueue::limits().depth == static_cast<std::uint64_t>(setting("msg_max")));
    });
    const bool exceeds = bare_refusal(static_cast<long>(setting("msg_max")) + 1, 1) == 0;
    const MessageQueueLimits limits = brood::message_queue_limits();
    if (!exceeds) {
        assert_int_equal(limits.depth, setting("msg_max"));
        assert_int_equal(limits.message_bytes, setting("msgsize_max"));
        assert_int_equal(limits.queues, setting("queues_max"));
        return test::not_run("limits() of root", "this user has limits");
    }
    const long depth = static_cast<long>(limits.depth);
    const long bytes = static_cast<long>(limits.message_bytes);
    assert_int_equal(bare_refusal(depth + 1, 1), EINVAL);
    assert_int_equal(bare_refusal(1, bytes + 1), EINVAL);
    const auto queue = IntQueue::create(static_cast<std::size_t>(limits.depth) + 1);
    assert_true(is_limit(queue.error(), Limit::msg_max, "msg_max", depth));
    assert_true(limits.queues == UINT64_MAX);
}

// ---- What is not there (promise 14) ------------------------------------------------------------

int no_queues_but_all_else() {
    const QueueName name("none");
    for (const Error& error : {IntQueue::create().error(), IntQueue::create_named(name).error(),
                               IntQueue::open(name).error()}) {
        if (error != Errc::unsupported) { return 1; }
    }
    brood::Process process([] { brood::this_process::exit(5); });
    if (!process.start().ok() || !process.join().ok() || *process.exit_code() != 5) { return 2; }
    return 0;
}

void a_kernel_without_message_queues_is_unsupported_and_the_rest_works(void**) {
    test::without("mq_open", SYS_mq_open, no_queues_but_all_else);
}

void each_other_call_that_is_refused_is_an_error_and_no_more(void**) {
    test::without("mq_unlink", SYS_mq_unlink, [] {
        const Errc code = IntQueue::create().code();
        return code == Errc::unsupported || code == Errc::not_permitted ? 0 : 1;
    });
    // What the children could not remove.
    for (int number = 0; number < 16; ++number) {
        char left[64];
        (void)snprintf(left, sizeof left, "/brood-anonymous-%u-%d", unsigned{getuid()}, number);
        (void)mq_unlink(left);
    }
    test::without("mq_getsetattr", SYS_mq_getsetattr,
                  [] { return IntQueue::create().code() == Errc::unsupported ? 0 : 1; });
    if (sizeof(long) < 8) { return test::not_run("mq_timed*", "32 bits have two of each"); }
    test::without("mq_timedsend", SYS_mq_timedsend, [] {
        IntQueue queue = IntQueue::create().expect("queue");
        const bool is_refused = queue.put(1).code() == Errc::unsupported &&
                                queue.put_nowait(1).code() == Errc::unsupported;
        return is_refused ? 0 : 1;
    });
    test::without("mq_timedreceive", SYS_mq_timedreceive, [] {
        IntQueue queue = IntQueue::create().expect("queue");
        const bool is_refused = queue.put(1).ok() && queue.get().code() == Errc::unsupported &&
                                queue.get_nowait().code() == Errc::unsupported;
        return is_refused ? 0 : 1;
    });
    test::without("mq_notify", SYS_mq_notify, [] {
        IntQueue queue = IntQueue::create().expect("queue");
        return queue.notify(SIGUSR1).code() == Errc::unsupported ? 0 : 1;
    });
}

// The call behind the libc's poll().
#ifdef SYS_poll
constexpr long kPoll = SYS_poll;
#else
constexpr long kPoll = SYS_ppoll;
#endif

void a_wait_with_a_deadline_ends_without_poll(void**) {
    for (const test::Refusal& refusal :
         {test::Refusal{"poll", kPoll, ENOSYS}, test::Refusal{"poll", kPoll, EPERM}}) {
        test::expect(refusal, [] {
            IntQueue queue = IntQueue::create().expect("queue");
            const int64_t start = now_ms();
            const bool timed_out = queue.get(brood::milliseconds(50)).code() == Errc::timed_out;
            return timed_out && now_ms() - start >= 50 && now_ms() - start < 10000 ? 0 : 1;
        });
    }
}

void no_dev_mqueue_needs_to_be_mounted(void**) {
    const int end = end_of(start_child([] {
        const bool done = unshare(CLONE_NEWNS) == 0 &&
                          mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                          mount("none", "/dev", "tmpfs", 0, "size=64k") == 0;
        if (!done) { _exit(kCannot); }
        CHECK_IN_CHILD(access("/dev/mqueue", F_OK) != 0);
        const QueueName name("unmounted");
        IntQueue queue = IntQueue::create_named(name).expect("a name");
        CHECK_IN_CHILD(queue.put(1).ok() && IntQueue::open(name)->get()->message == 1);
        CHECK_IN_CHILD(IntQueue::create().ok());
    }));
    if (end == kCannot) { return test::not_run("no /dev/mqueue", "needs a mount namespace"); }
    assert_int_equal(end, 0);
}

// ---- Modes (promise 20) ------------------------------------------------------------------------

void a_mode_is_exact_whatever_the_umask(void**) {
    if (getuid() != 0) { return test::not_run("modes", "needs root"); }
    for (const mode_t mask : kUmasks) {
        for (const ModeRow& row : kModeRows) {
            const QueueName name("mode");
            const mode_t before = umask(mask);
            const Result<IntQueue> queue = IntQueue::create_named(name, 1, row.access);
            assert_int_equal(umask(before), mask);  // It is as it was.
            test::assert_ok(queue);
            assert_true(opens_as<IntQueue>(0, 0, name));
            assert_true(opens_as<IntQueue>(64321, 0, name) == row.group);
            assert_true(opens_as<IntQueue>(64321, 64321, name) == row.others);
            if (!is_linux()) { continue; }
            struct stat status = {};
            assert_int_equal(fstat(queue->fileno(), &status), 0);
            assert_int_equal(status.st_mode & 07777, static_cast<mode_t>(row.access));
        }
    }
}

void another_users_name_is_not_permitted_and_stays(void**) {
    if (getuid() != 0) { return test::not_run("another user's", "needs root"); }
    const QueueName name("roots");
    const IntQueue queue = IntQueue::create_named(name).expect("queue");
    as_ordinary_user("another user's queue", [&] {
        CHECK_IN_CHILD(IntQueue::open(name).code() == Errc::not_permitted);
        CHECK_IN_CHILD(IntQueue::remove(name).code() == Errc::not_permitted);
        CHECK_IN_CHILD(IntQueue::create_named(name).code() == Errc::already_exists);
    });
    test::assert_ok(IntQueue::open(name));
}

// The name of nameless queues, in the hands of somebody who will not let go of it.
void a_nameless_queue_steps_over_what_another_user_has_put_in_its_way(void**) {
    if (getuid() != 0) { return test::not_run("another user's", "needs root"); }
    mq_attr attributes = {};
    attributes.mq_maxmsg = attributes.mq_msgsize = 1;
    const char* const name = "/brood-anonymous-64321-0";
    const mqd_t held = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    assert_true(held >= 0);
    as_ordinary_user("another user's name", [] {
        IntQueue queue = IntQueue::create().expect("queue");
        CHECK_IN_CHILD(queue.put(1).ok() && queue.get()->message == 1);
    });
    assert_int_equal(mq_unlink(name), 0);
    assert_int_equal(mq_close(held), 0);
}

}  // namespace

int main() {
    print_message("port: %s\n", brood::port::kName);
    const CMUnitTest tests[] = {
        TIDY(a_queue_deeper_than_msg_max_names_it),
        TIDY(a_message_longer_than_msgsize_max_names_it),
        TIDY(all_queues_of_a_user_beyond_rlimit_msgqueue_name_it),
        TIDY(three_hundred_queues_end_at_queues_max),
        TIDY(without_a_descriptor_it_is_too_many_files_and_names_the_limit),
        TIDY(a_priority_beyond_the_systems_names_mq_prio_max),
        TIDY(limits_of_who_may_exceed_them_are_the_hard_ones),
        TIDY(a_kernel_without_message_queues_is_unsupported_and_the_rest_works),
        TIDY(each_other_call_that_is_refused_is_an_error_and_no_more),
        TIDY(a_wait_with_a_deadline_ends_without_poll),
        TIDY(no_dev_mqueue_needs_to_be_mounted),
        TIDY(a_mode_is_exact_whatever_the_umask),
        TIDY(another_users_name_is_not_permitted_and_stays),
        TIDY(a_nameless_queue_steps_over_what_another_user_has_put_in_its_way),
    };
    return cmocka_run_group_tests_name("message_queue_limits", tests, nullptr, nullptr);
}
