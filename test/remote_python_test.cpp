// Goal: Python with its standard library alone uses what brood serves, and brood what Python makes.
// Method: a real python3 with tools/python/brood_manager.py as the client of a server here.
#include "remote_support.hpp"

using namespace remote_test;
using brood::Bytes;
using brood::Dict;
using brood::Handle;
using brood::List;
using brood::Lock;
using brood::Queue;
using brood::Text;
using brood::Value;

namespace {

// Before each script: how it connects.
const char kBegin[] = R"(
import sys
sys.path.insert(0, sys.argv[2])
sys.dont_write_bytecode = True
import brood_manager
import queue as queues
manager = brood_manager.connect(sys.argv[1], b'a key that both know')
)";

const char kUse[] = R"(
counts = manager.dict('counts', 'text', 'i32')
assert counts['ours'] == -5 and counts.get('none') is None and counts.get('none', 3) == 3
counts['theirs'] = 7
counts.update({'a': 1}, b=2)
assert 'a' in counts and 'z' not in counts and len(counts) == 4
assert counts.items() == [('ours', -5), ('theirs', 7), ('a', 1), ('b', 2)], counts.items()
assert counts.pop('b') == 2 and counts.pop('b', None) is None
try:
    counts['b']
    assert False
except KeyError:
    pass
try:
    del counts['b']
    assert False
except KeyError:
    pass
assert counts.popitem() == ('a', 1)
assert counts.setdefault('theirs', 1) == 7 and counts.setdefault('new', 1) == 1
assert counts.update_by('new', lambda n: n + 1) == 2
assert counts.update_by('newer', lambda n: n + 1, 0) == 1
del counts['ours']
numbers = manager.queue('numbers', 'f64')
assert numbers.get(timeout=20) == 2.5 and numbers.qsize() == 0 and numbers.empty()
try:
    numbers.get_nowait()
    assert False
except queues.Empty:
    pass
try:
    numbers.get(timeout=0.02)
    assert False
except queues.Empty:
    pass
texts = manager.queue('texts', 'text:16', 2)
texts.put('\u00e4 text')
texts.put('second')
try:
    texts.put('third', timeout=0.02)
    assert False
except queues.Full:
    pass
words = manager.list('words', 'text')
words.extend(['c', 'a', 'b'])
words.sort()
assert words[:] == ['a', 'b', 'c'] and words[-1] == 'c' and words[::-1] == ['c', 'b', 'a']
words[0] = 'A'
words.insert(1, 'x')
assert words.pop() == 'c' and words.index('b') == 2 and 'x' in words and words.count('x') == 1
words.remove('x')
words.reverse()
assert list(words) == ['b', 'A'], list(words)
board = manager.namespace('board')
assert board.ours == -3 and board.word == 'text'
board.theirs = 2.5
board.set('small', 7, 'u8')
board.flag = True
assert board.theirs == 2.5 and board.small == 7 and board.flag is True
del board.flag
try:
    board.flag
    assert False
except AttributeError:
    pass
lock = manager.lock('door')
with lock as held:
    assert held is True
assert lock.acquire(timeout=1) is True
lock.release()
try:
    lock.release()
    assert False
except brood_manager.BroodError as error:
    assert error.name == 'not_owner', error
value = manager.value('value', 'i32', 5)
assert value.value == 5 and value.add(0, 3) == 5 and value.value == 8
with value.get_lock():
    value.value = -1
array = manager.array('array', 'u16', 10)
array.write(3, [1, 2, 65535])
assert array.read(4, 2) == [2, 65535] and len(array) == 10 and array[5] == 65535
array[-1] = 9
event = manager.event('event')
assert not event.wait(0.01) and not event.is_set()
event.set()
assert event.wait(1)
semaphore = manager.semaphore(2)
with semaphore:
    assert semaphore.get_value() == 1
rlock = manager.rlock()
rlock.acquire(), rlock.acquire(), rlock.release(), rlock.release()
condition = manager.condition()
with condition:
    assert not condition.wait(0.01)
    condition.notify_all()
barrier = manager.barrier(1)
assert barrier.wait(1) == 0 and barrier.parties == 1 and not barrier.broken
work = manager.joinable_queue(None, 'bytes:8')
work.put(b'12345678')
assert work.get() == b'12345678'
work.task_done()
work.join(1)
blobs = manager.dict('blobs', 'bytes', 'bytes')
blobs[b'\x00\xff'] = bytes(range(256)) * 1000
assert blobs[b'\x00\xff'] == bytes(range(256)) * 1000
handles = manager.dict('handles', 'u8', 'handle')
handles[1] = lock
assert handles[1] == lock.handle
assert manager.stats()['objects'] >= 10
large = manager.dict(None, 'i32', 'bytes')
for i in range(3000):
    large[i] = b'x' * 1000
assert [k for k, v in large.items() if v == b'x' * 1000] == list(range(3000))
try:
    manager.dict('counts', 'i32', 'i32')
    assert False
except brood_manager.BroodError as error:
    assert error.name == 'type_mismatch', error
try:
    large[0] = b'x' * (1 << 20)
    assert False
except (brood_manager.BroodError, OSError, EOFError):
    pass
)";

const char kCount[] = R"(
counts = manager.dict('counts', 'text', 'i32')
for i in range(200):
    counts.update_by('n', lambda n: n + 1, 0)
manager.close()
)";

const char kHold[] = R"(
manager.lock('door').acquire()
print('held', flush=True)
sys.stdin.read()
)";

// 127: there is no python3.
[[noreturn]] void become_python(const char* script, const Served& served) {
    const std::string all = std::string(kBegin) + script;
    (void)execlp("python3", "python3", "-c", all.c_str(), served.path().c_str(), "tools/python",
                 static_cast<char*>(nullptr));
    _exit(127);
}

bool has_python() {
    static const int found = test::run_child([] {
        (void)execlp("python3", "python3", "-c",
                     "import multiprocessing.connection, sys; assert sys.version_info >= (3, 9)",
                     static_cast<char*>(nullptr));
        return 127;
    });
    if (found != 0) { test::not_run("Python", "no python3 (3.9)"); }
    return found == 0;
}

/// Python 3.11 knows the older handshake alone.
ManagerServerOptions for_any_python() {
    return keyed().allow_legacy();
}

void python_uses_what_brood_serves(void**) {
    if (!has_python()) { return; }
    const Served served(for_any_python());
    const Manager& manager = served.manager;
    const auto counts = manager.dict<Text<16>, int>("counts").expect("making");
    assert_ok(counts.set("ours", -5));
    const auto numbers = manager.queue<double>(4, "numbers").expect("making");
    assert_ok(numbers.open()->put(2.5));
    const auto board = manager.name_space("board").expect("making");
    assert_ok(board.set("ours", -3));
    assert_ok(board.set("word", Text<16>("text")));
    assert_int_equal(test::run_child([&]() -> int { become_python(kUse, served); }), 0);

    assert_int_equal(*counts.get("theirs"), 7);
    assert_int_equal(*counts.get("newer"), 1);
    assert_code(counts.get("ours"), Errc::not_found);
    auto texts = manager.find<Handle<Queue<Text<16>>>>("texts")->open().expect("opening");
    assert_true(*texts.get(kLong) == "\u00e4 text" && *texts.get(kLong) == "second");
    assert_true(*board.get<double>("theirs") == 2.5 && *board.get<std::uint8_t>("small") == 7);
    assert_code(board.get<bool>("flag"), Errc::not_found);
    const auto words = manager.find<List<Text<16>>>("words").expect("finding");
    assert_true(*words.size() == 2 && *words.get(0) == "b" && *words.get(1) == "A");
    assert_int_equal(manager.find<Handle<Value<std::int32_t>>>("value")->open()->value(), -1);
    auto array =
        manager.find<Handle<brood::Array<std::uint16_t>>>("array")->open().expect("opening");
    assert_true(array[5] == 65535 && array[9] == 9);
    const auto blobs = manager.find<Dict<Bytes<8>, Bytes<300>>>("blobs").expect("finding");
    assert_code(blobs.get(*Bytes<8>::from("\0\xff", 2)), Errc::buffer_too_short);
    const auto handles =
        manager.find<Dict<std::uint8_t, Handle<Lock>>>("handles").expect("finding");
    assert_ok(handles.get(1)->open()->take());
}

void pythons_and_processes_count_together(void**) {
    if (!has_python()) { return; }
    const Served served(for_any_python());
    const auto counts = served.manager.dict<Text<16>, int>("counts").expect("making");
    pid_t pythons[2];
    for (pid_t& python : pythons) {
        python = test::start_child([&]() -> int { become_python(kCount, served); });
    }
    // For as long as they do, so that they are in each other's way.
    int ours = 0;
    while (!test::has_ended(pythons[0]) || !test::has_ended(pythons[1])) {
        for (int i = 0; i < 10; ++i, ++ours) {
            assert_ok(counts.update("n", [](int& n) { ++n; }));
        }
    }
    for (const pid_t python : pythons) { assert_int_equal(test::join_child(python), 0); }
    assert_int_equal(*counts.get("n"), 400 + ours);
}

void a_lock_of_a_killed_python_heals(void**) {
    if (!has_python()) { return; }
    const Served served(for_any_python());
    int input[2], output[2];
    assert_int_equal(pipe(input), 0);
    assert_int_equal(pipe(output), 0);
    const pid_t python = test::start_child([&]() -> int {
        dup2(input[0], 0);
        dup2(output[1], 1);
        close(input[1]);
        become_python(kHold, served);
    });
    pollfd answer = {output[0], POLLIN, 0};
    assert_int_equal(poll(&answer, 1, static_cast<int>(test::kPatienceMs)), 1);
    Lock lock = served.manager.find<Handle<Lock>>("door")->open().expect("opening");
    assert_code(lock.take(milliseconds(20)), Errc::timed_out);
    kill(python, SIGKILL);
    assert_int_equal(test::join_child(python), -SIGKILL);
    assert_code(lock.take(kLong), Errc::owner_died);
    for (const int fd : {input[0], input[1], output[0], output[1]}) { close(fd); }
}

}  // namespace

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(python_uses_what_brood_serves),
        cmocka_unit_test(pythons_and_processes_count_together),
        cmocka_unit_test(a_lock_of_a_killed_python_heals),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
