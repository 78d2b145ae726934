// Goal: a trace shows the system calls that the library makes, all of them, and no others; and
// `brood study` makes of it what its help says.
// Method: examples run under BROOD_TRACE, beside strace, killed, and by brood study.
#include "examples_support.hpp"
#include "process_support.hpp"
#include "sum_support.hpp"

#include <algorithm>
#include <string>
#include <vector>

using test::assert_has;
using test::Contents;
using test::run_script;

namespace {

std::vector<std::string> lines_of(const char* path) {
    std::vector<std::string> lines;
    FILE* const file = fopen(path, "re");
    if (file == nullptr) { return lines; }
    char line[4096];
    while (fgets(line, sizeof line, file) != nullptr) { lines.emplace_back(line); }
    fclose(file);
    return lines;
}

bool begins(const std::string& text, const char* with) {
    return text.compare(0, strlen(with), with) == 0;
}

bool has(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

// ---- Beside strace -----------------------------------------------------------------------------

struct Call {
    std::string name, result, line;
};

/// A call of a kernel of 32 bits by the name that it has in one of 64.
std::string of_64_bits(std::string line) {
    for (const char* const ending : {"_time64(", "ftruncate64(", "fcntl64(", "mmap2("}) {
        const std::size_t at = line.find(ending);
        if (at == std::string::npos || at > line.find('(')) { continue; }
        const std::size_t digits = line.find_first_of("_0123456789", at);
        return line.erase(digits, line.find('(') - digits);
    }
    return line;
}

/// "futex(...) = -1 EAGAIN (...)": its name, and "-1 EAGAIN".
Call call_of(const std::string& line) {
    Call call;
    call.line = line;
    call.name = line.substr(0, line.find('('));
    const std::size_t equals = line.rfind(" = ");
    if (equals == std::string::npos) { return call; }
    const std::string result = line.substr(equals + 3);
    const std::size_t blank = result.find_first_of(" \n\\");
    call.result = result.substr(0, blank);
    if (call.result != "-1") { return call; }
    call.result = result.substr(0, result.find_first_of(" \n\\", blank + 1));
    return call;
}

/// What the trace calls by the name that the program knows, strace by the kernel's.
bool is_same_name(const std::string& shown, const std::string& kernels) {
    static const char* const kNames[][4] = {
        {"fork", "clone", "clone3", "vfork"},
        {"fstat", "newfstatat", "fstat", "statx"},
        {"stat", "newfstatat", "stat", "statx"},
        {"lstat", "newfstatat", "lstat", "statx"},
        {"fstatfs", "fstatfs", "fstatfs", ""},
        {"getrlimit", "prlimit64", "getrlimit", "ugetrlimit"},
        {"setrlimit", "prlimit64", "setrlimit", ""},
        {"poll", "poll", "ppoll", "ppoll"},
        {"dup2", "dup2", "dup3", ""},
        {"pipe", "pipe", "pipe2", ""},
        {"shm_open", "openat", "open", ""},
        {"shm_unlink", "unlink", "unlinkat", ""},
    };
    if (shown == kernels) { return true; }
    for (const auto& names : kNames) {
        if (shown != names[0]) { continue; }
        return std::any_of(names + 1, names + 4, [&](const char* one) { return kernels == one; });
    }
    return false;
}

/// An interrupted call (?) goes on, which strace shows as the same call or as restart_syscall().
bool is_same_result(const std::string& shown, const std::string& kernels) {
    return shown == kernels || kernels == "?";
}

/// What the libc does by any number of system calls, or by none.
bool is_by_libc(const Call& shown) {
    for (const char* const start :
         {"pthread_mutex_", "sem_", "readdir", "opendir", "closedir", "sysconf", "fflush"}) {
        if (begins(shown.name, start)) { return true; }
    }
    return shown.name == "rt_sigaction" && shown.result == "-1 EINVAL";  // Of its own signals.
}

/// Calls of the program itself, and of the libc for it.
bool is_of_others(const Call& call, bool is_first) {
    for (const char* const start :
         {"write(1, ", "write(2, ", "fstat(1, ", "newfstatat(1, ", "statx(1, ", "brk(",
          "getrandom(", "clock_nanosleep(CLOCK_REALTIME, ", "exit_group(", "rt_sigreturn(",
          "sigreturn(", "restart_syscall("}) {
        if (begins(call.line, start)) { return true; }
    }
    if (call.result == "?") { return true; }            // Interrupted: it comes again.
    return is_first && call.name == "set_robust_list";  // By the libc, in a forked child.
}

class Comparison {
public:
    /// One process, as strace has it; `is_main`: what came before the trace is the loader's.
    void take(const char* path, bool is_main) {
        calls_.clear();
        in_order_ = 0;
        bool has_begun = !is_main;
        for (const std::string& line : lines_of(path)) {
            if (begins(line, "+++ killed")) { drop_cut_line(); }
            if (begins(line, "---") || begins(line, "+++")) { continue; }
            if (!is_trace(line)) {
                if (has_begun) { calls_.push_back(call_of(of_64_bits(line))); }
                continue;
            }
            has_begun = true;
            drop_own_call();
            if (has(line, "-> ") && !has(line, " ...\\n")) { take_line(line); }
            in_order_ = calls_.size();
        }
        for (std::size_t i = 0; i < calls_.size(); ++i) {
            if (is_of_others(calls_[i], i == 0)) { continue; }
            fail_msg("%s: not in the trace: %s", path, calls_[i].line.c_str());
        }
    }
    std::size_t matched() const { return matched_; }

private:
    static bool is_trace(const std::string& line) {
        unsigned fd = 0, seconds = 0, pid = 0;
        return sscanf(line.c_str(), "write(%u, \"%u.%*u %u ", &fd, &seconds, &pid) == 3;
    }
    // Before each line the tracer asks for the pid; a signal may come in between.
    void drop_own_call() {
        for (std::size_t i = calls_.size(); i > 0; --i) {
            if (calls_[i - 1].name != "getpid") { continue; }
            calls_.erase(calls_.begin() + static_cast<std::ptrdiff_t>(i - 1));
            return;
        }
    }
    // Killed between a call and its line, of which strace then may show anything: a call, the
    // tracer's getpid(), its write().
    void drop_cut_line() {
        const std::size_t known = std::min(in_order_, calls_.size());
        assert_true(calls_.size() - known <= 3);
        calls_.resize(known);
    }
    void take_line(const std::string& line) {
        Call shown = call_of(line.substr(line.find("-> ") + 3));
        const std::string quoted = line.substr(0, line.rfind("\\n\""));
        shown.result = call_of(quoted.substr(quoted.find("-> ") + 3)).result;
        if (shown.name == "exit_group") { return; }                   // It follows.
        if (shown.name == "fork" && shown.result == "0") { return; }  // In the child.
        for (std::size_t i = calls_.size(); i > 0; --i) {
            const Call& call = calls_[i - 1];
            if (!is_same_name(shown.name, call.name)) { continue; }
            if (!is_same_result(shown.result, call.result)) { continue; }
            calls_.erase(calls_.begin() + static_cast<std::ptrdiff_t>(i - 1));
            ++matched_;
            return;
        }
        if (!is_by_libc(shown)) { fail_msg("strace has no: %s", line.c_str()); }
        calls_.resize(std::min(in_order_, calls_.size()));
    }

    std::vector<Call> calls_;   // not in the trace, so far
    std::size_t in_order_ = 0;  // of them before the last line of the trace
    std::size_t matched_ = 0;
};

bool can_strace() {
    if (test::kSanitized || test::is_emulated()) {
        test::not_run("a trace beside strace", "not of sanitized or emulated programs");
        return false;
    }
    if (run_script("strace -f true > /dev/null 2>&1") == 0) { return true; }
    test::not_run("a trace beside strace", "there is no strace, or ptrace is not permitted");
    return false;
}

/// Each line of the trace is written right after its call, so strace sees them side by side.
void assert_same_as_strace(const char* example) {
    char script[2 * PATH_MAX];
    snprintf(script, sizeof script,
             "BROOD_PACE=0.01 BROOD_TRACE=trace strace -ff -s 800 -o s '%s' > out",
             test::ExamplePath(example).c_str());
    assert_int_equal(run_script(script), 0);
    assert_int_equal(run_script("ls s.* > files && head -1 trace | cut -d ' ' -f 2 > first"), 0);
    const int first = atoi(Contents("first").text());
    Comparison comparison;
    for (std::string file : lines_of("files")) {
        file.pop_back();
        comparison.take(file.c_str(), atoi(file.c_str() + 2) == first);
    }
    assert_true(comparison.matched() > 50);
}

void a_semaphores_users_make_the_calls_that_strace_sees(void**) {
    if (can_strace()) { assert_same_as_strace("ktv"); }
}

void a_queues_users_make_the_calls_that_strace_sees(void**) {
    if (can_strace()) { assert_same_as_strace("writer_reader"); }
}

void a_pool_makes_the_calls_that_strace_sees(void**) {
    if (can_strace()) { assert_same_as_strace("pool_killed_worker"); }
}

// ---- By itself ---------------------------------------------------------------------------------

/// Runs an example with its trace in the file "trace", and what it prints in "out".
void trace_example(const char* example) {
    char script[2 * PATH_MAX];
    snprintf(script, sizeof script, "BROOD_PACE=0.05 BROOD_TRACE=trace $EMULATOR '%s' > out",
             test::ExamplePath(example).c_str());
    assert_int_equal(run_script(script), 0);
}

std::size_t count_lines(const char* part) {
    const std::vector<std::string> lines = lines_of("trace");
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(), [&](const std::string& line) { return has(line, part); }));
}

void each_call_belongs_to_a_public_call_or_to_a_process_of_the_librarys(void**) {
    trace_example("pool_killed_worker");
    for (const char* const part :
         {" Pool::create -> fork() = ", " Pool::join -> ",
          " supervisor -> fork() = ", " worker -> ", " -- runs square in \"PoolWorker-1\"",
          " -- runs square in \"PoolWorker-3\"", " signals::send -> kill("}) {
        if (count_lines(part) == 0) { fail_msg("no '%s' in:\n%s", part, Contents("trace").text()); }
    }
    if (!test::is_posix_port()) { assert_true(count_lines(" -> futex(0x") > 0); }
    for (const std::string& line : lines_of("trace")) {
        const std::size_t arrow = line.find(" -> ");
        if (arrow == std::string::npos || has(line, "exit_group")) { continue; }
        // "SECONDS PID CALL -> ...": three words before the arrow.
        const std::string before = line.substr(0, arrow);
        if (std::count(before.begin(), before.end(), ' ') != 2) {
            fail_msg("no public call: %s", line.c_str());
        }
    }
}

void holders_of_permits_are_told(void**) {
    trace_example("ktv");
    assert_int_equal(count_lines(" Semaphore::acquire -- holds 0x"), 10);
    assert_int_equal(count_lines(" -- lets go of 0x"), 10);
}

void what_a_killed_process_did_stays_in_the_trace(void**) {
    trace_example("pool_killed_worker");
    assert_has("trace", " killed by SIGKILL}");
    // Whoever gave a result has told before that he has it: also the one who was killed later.
    assert_true(count_lines(" -- has run") >= 9);
    for (const std::string& line : lines_of("trace")) {
        unsigned pid = 0;
        assert_int_equal(sscanf(line.c_str(), "%*u.%*u %u ", &pid), 1);
        assert_true(line.back() == '\n');
    }
}

void without_the_variable_nothing_is_written(void**) {
    char script[2 * PATH_MAX];
    snprintf(script, sizeof script,
             "unset BROOD_TRACE; BROOD_PACE=0.01 $EMULATOR '%s' > out 2> errors",
             test::ExamplePath("ktv").c_str());
    assert_int_equal(run_script(script), 0);
    assert_int_equal(Contents("errors").bytes(), 0);
    assert_int_equal(run_script("test \"$(ls)\" = \"$(printf 'errors\\nout')\""), 0);
}

void a_file_that_cannot_be_written_is_told_and_the_program_goes_on(void**) {
    char script[2 * PATH_MAX];
    snprintf(script, sizeof script, "BROOD_TRACE=no/such/folder $EMULATOR '%s' > out 2> errors",
             test::ExamplePath("memory_isolation").c_str());
    assert_int_equal(run_script(script), 0);
    assert_has("errors", "BROOD_TRACE");
    assert_has("out", "666");
}

// ---- brood study -------------------------------------------------------------------------------

void study_lists_the_examples(void**) {
    assert_int_equal(run_script("$BROOD study > list"), 0);
    assert_has("list", "ktv                  Ten people come to the ktv");
    // Each that is there has a line, and each line tells of it.
    char script[2 * PATH_MAX];
    snprintf(
        script, sizeof script,
        "awk '/^ *[0-9]/ {if ($1 != ++step || NF < 5) exit 1; print $2}' list > names && "
        "cd '%s/..' && for name in $(cat \"$OLDPWD/names\"); do test -x $name || exit 1; done && "
        "test $(ls | grep -cvF .) = $(($(wc -l < \"$OLDPWD/names\") + 1))",
        test::ExamplePath("ktv").c_str());
    char* const folder = strstr(script, "/ktv/..");
    assert_non_null(folder);
    memmove(folder, folder + strlen("/ktv/.."), strlen(folder + strlen("/ktv/..")) + 1);
    assert_int_equal(run_script(script), 0);
}

void study_runs_an_example_and_ends_as_it_does(void**) {
    assert_int_equal(run_script("$BROOD study memory_isolation > out 2> errors"), 0);
    assert_has("out", "666");
    assert_int_equal(Contents("errors").bytes(), 0);
    assert_int_equal(run_script("$BROOD study kvt 2> errors"), 1);
    assert_has("errors", "The nearest is 'ktv'");
    assert_int_equal(run_script("$BROOD study memory-isolation > out"), 0);
    assert_has("out", "666");
    assert_int_equal(run_script("$BROOD study --timeline 2> errors"), 1);
    assert_int_equal(run_script("$BROOD study --trace 2> errors"), 1);
    assert_int_equal(run_script("$BROOD study ktv --timeline no/such/folder 2> errors"), 1);
    assert_has("errors", "no/such/folder");
}

void study_shows_the_trace_of_an_example(void**) {
    assert_int_equal(run_script("$BROOD study memory_isolation --trace > out 2> trace"), 0);
    assert_has("out", "666");
    assert_true(count_lines(" Process::start -> fork() = ") == 2);
    assert_true(count_lines(" -- runs ") == 1);
}

constexpr char kLook[] = R"(
import collections, json, re, sys
import xml.etree.ElementTree as xml
pids = set(re.findall(r'(?m)^\d+\.\d+ (\d+) ', open('trace').read()))
assert len(pids) == 6, pids
picture = xml.parse('timeline.svg').getroot()
texts = [text.text for text in picture.iter('{http://www.w3.org/2000/svg}text')]
rows = [text for text in texts if text in pids]
assert sorted(rows) == sorted(pids), (rows, pids)
for text in ['SIGKILL', 'killed', 'in a task', 'PoolWorker-2', 'supervisor', 'square']:
    assert text in texts, (text, texts)
assert any('(s)' in text or '(ms)' in text for text in texts)
events = json.load(open('trace.json'))['traceEvents']
named = {str(event['pid']) for event in events if event['name'] == 'process_name'}
assert named == pids, named
assert any(event['name'] == 'killed by SIGKILL' for event in events)
open_until = collections.defaultdict(list)
for event in sorted((e for e in events if e['ph'] == 'X'), key=lambda e: (e['ts'], -e['dur'])):
    stack = open_until[event['pid']]
    while stack and stack[-1] <= event['ts'] + 2: stack.pop()
    assert event['dur'] >= 0
    stack.append(event['ts'] + event['dur'])
assert len(events) > 100
)";

void study_draws_a_row_for_each_process_and_writes_what_perfetto_reads(void**) {
    if (run_script("python3 -c 'import xml.etree.ElementTree' 2> /dev/null") != 0) {
        return test::not_run("pictures of a trace", "there is no python3");
    }
    assert_int_equal(run_script("BROOD_PACE=0.05 $BROOD study pool_killed_worker --trace "
                                "--timeline timeline.svg --trace-json=trace.json "
                                "> out 2> trace"),
                     0);
    assert_has("out", "8 squared is 64");
    assert_has("out", "1 worker was replaced");
    FILE* const script = fopen("look.py", "we");
    assert_non_null(script);
    fputs(kLook, script);
    fclose(script);
    if (run_script("python3 look.py 2> errors") != 0) { fail_msg("%s", Contents("errors").text()); }
}

}  // namespace

#define TRACE_TEST(function) cmocka_unit_test_setup(function, test::empty_folder)

int main() {
    const CMUnitTest tests[] = {
        TRACE_TEST(a_semaphores_users_make_the_calls_that_strace_sees),
        TRACE_TEST(a_queues_users_make_the_calls_that_strace_sees),
        TRACE_TEST(a_pool_makes_the_calls_that_strace_sees),
        TRACE_TEST(each_call_belongs_to_a_public_call_or_to_a_process_of_the_librarys),
        TRACE_TEST(holders_of_permits_are_told),
        TRACE_TEST(what_a_killed_process_did_stays_in_the_trace),
        TRACE_TEST(without_the_variable_nothing_is_written),
        TRACE_TEST(a_file_that_cannot_be_written_is_told_and_the_program_goes_on),
        TRACE_TEST(study_lists_the_examples),
        TRACE_TEST(study_runs_an_example_and_ends_as_it_does),
        TRACE_TEST(study_shows_the_trace_of_an_example),
        TRACE_TEST(study_draws_a_row_for_each_process_and_writes_what_perfetto_reads),
    };
    return cmocka_run_group_tests(tests, test::enter_folder, test::leave_folder);
}
