// Goal: what cannot travel to a worker, or to a child, does not compile, and the compiler's message
// says what to do.
// Method: files with all the mistakes go through the compiler, which must name each of them.
#include "support.hpp"

#include <stdio.h>
#include <stdlib.h>

namespace {

const char* compiler() {
    const char* const name = getenv("CXX");
    return name != nullptr && *name != '\0' ? name : "c++";
}

// Gives the compiler `source` and returns its exit status; what it says goes to `output`.
int compile(const char* source, char* output, size_t room) {
    char path[] = "/tmp/brood-compile-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(::write(file, source, strlen(source)), strlen(source));
    close(file);
    char command[512];
    (void)snprintf(command, sizeof command,
                   "%s -std=c++17 -fsyntax-only -Wall -Wextra -Werror -Iinclude -x c++ %s 2>&1",
                   compiler(), path);
    FILE* const pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t bytes = fread(output, 1, room - 1, pipe);
    output[bytes] = '\0';
    char rest[4096];
    while (fread(rest, 1, sizeof rest, pipe) > 0) {}
    const int status = pclose(pipe);
    (void)unlink(path);
    return status;
}

bool can_compile() {
    char command[256];
    (void)snprintf(command, sizeof command, "%s --version >/dev/null 2>&1", compiler());
    return access("include/brood/pool.hpp", R_OK) == 0 && system(command) == 0;
}

const char kGood[] = R"(
#include <brood/pool.hpp>
using namespace brood;
struct Job { int a; double b; };
static int work(Job job) { return job.a; }
int use(Pool& pool, int factor) {
    int in[2] = {1, 2}, out[2];
    pool.map(by_value([factor](int n) { return n * factor; }), in, out).ignore();
    const auto made = Pool::create(PoolOptions().initializer([factor] { return factor > 0; }));
    const Pair<int, Job> pairs[1] = {{1, Job{2, 3.0}}};
    pool.starmap([](int n, const Job& job) { return n + job.a; }, pairs, in, 1).ignore();
    auto late = pool.map_async([](int n) { return n + 1; }, in, out);
    late->then([&factor](int*, std::size_t n) { factor = static_cast<int>(n); });
    pool.apply_async(work, Job{1, 2.0})
        ->then([&factor](int n) { factor = n; }, [](const Error&) {})
        .get().ignore();
    for (const Result<int>& n : pool.imap([](int i) { return i; }, in)) { factor += *n; }
    return pool.apply(work, Job{1, 2.0}).value_or(made.ok() ? 1 : 0);
}
)";

const char kBad[] = R"(
#include <brood/pool.hpp>
using namespace brood;
struct Owner { Owner(const Owner&); Owner(); ~Owner(); int n; };
void bad(Pool& pool, int factor, const char* text, Owner owner) {
    (void)pool.apply_async([](const char* t) { return *t != 0; }, text);
    (void)pool.apply_async([factor](int n) { return n * factor; }, 1);
    (void)pool.apply_async([](Owner& o) { return o.n; }, owner);
    (void)pool.apply_async([] { return Owner(); });
    (void)pool.apply_async([]() -> const char* { return nullptr; });
    (void)by_value([owner] { return owner.n; });
    (void)PoolOptions().initializer([owner] { return owner.n > 0; });
    (void)PoolOptions().initializer([] { return 0; });
    int in[1] = {1}; long out[1];
    (void)pool.map([](int n) { return n; }, in, out);
    (void)pool.starmap([](int a) { return a; }, in, in);
    const Pair<int, const char*> named[1] = {{1, text}};
    (void)pool.starmap([](int a, const char*) { return a; }, named, in, 1);
}
)";

// In a file of its own, since a compiler may give up after some 20 mistakes.
const char kBadMaps[] = R"(
#include <brood/pool.hpp>
using namespace brood;
struct Owner { Owner(const Owner&); Owner(); ~Owner(); int n; };
struct Numbers { int* begin(); int* end(); };
const char* named_texts[2];
void bad(Pool& pool, Owner owner) {
    int in[1] = {1}; long out[1];
    (void)pool.map_async([](int n) { return n; }, in, out);
    pool.apply_async([] { return 1; })->then([](const char*) {});
    pool.apply_async([] { return 1; })->then([](int) {}, [] {});
    pool.apply_async([] { return 1; })->then([owner](int) {});
    (void)pool.imap([](int n) { return n; }, [](int& n) { return n; }).next();
    (void)pool.imap([](const char* t) { return *t; }, named_texts).next();
    (void)pool.imap([](int n) { return n; }, Numbers());
}
)";

const char kBadEnd[] = R"(
#include <brood/pipe.hpp>
#include <brood/process.hpp>
using namespace brood;
void bad(Sender<int>& end) { Process writer([](Sender<int>&) {}, end); }
)";

const char* const kMessages[] = {
    "a task runs in another process, where a pointer of this one means nothing",
    "a task is a function or a lambda without captures",
    "arguments of a task must be trivially copyable",
    "the result of a task must be trivially copyable",
    "the result of a task must not be a pointer",
    "captures of a task must be trivially copyable",
    "the initializer and its arguments must be trivially copyable",
    "an initializer returns nothing, a bool (true: well) or a Status",
    "the outputs must have the type that the function returns",
    "starmap() takes the arguments of each call in a Pair or a Tuple",
};

const char* const kMapMessages[] = {
    "the outputs must have the type that the function returns",
    "a task runs in another process, where a pointer of this one means nothing",
    "a callback takes what the task returns",
    "an error callback takes a const Error&",
    "callbacks must be trivially copyable and fit into 48 bytes",
    "a generator takes a T& and returns a bool",
    "imap() does not keep its range: give it one that has a name",
};

const char* const kEndMessages[] = {
    "hand the end over, std::move(end): one that stays here hangs its readers",
};

char g_output[1 << 20];

template <size_t N>
void expect_messages(const char* source, const char* const (&messages)[N]) {
    assert_int_not_equal(compile(source, g_output, sizeof g_output), 0);
    for (const char* message : messages) {
        if (strstr(g_output, message) == nullptr) { fail_msg("not said: %s", message); }
    }
}

void what_cannot_travel_does_not_compile_and_says_why(void**) {
    if (!can_compile()) { return test::not_run("compile-time refusals", "no compiler or sources"); }
    assert_int_equal(compile(kGood, g_output, sizeof g_output), 0);
    expect_messages(kBad, kMessages);
    expect_messages(kBadMaps, kMapMessages);
    expect_messages(kBadEnd, kEndMessages);
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_travel_does_not_compile_and_says_why),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
