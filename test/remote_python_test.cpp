// Goal: Python with its standard library alone uses what brood serves, and brood what Python makes.
// Method: real Pythons, with either handshake, and tools/python/brood_manager.py as clients of a
// server here.
#include "python_support.hpp"
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
using socket_test::Python;
using socket_test::pythons;
using socket_test::Script;

namespace {

// Before each script.
const char kImport[] = R"(
sys.path.insert(0, 'tools/python')
sys.dont_write_bytecode = True
import brood_manager
import queue as queues, signal
)";

const char kUse[] = R"(
manager = brood_manager.connect(address, key)
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
manager = brood_manager.connect(address, key)
counts = manager.dict('counts', 'text', 'i32')
for i in range(200):
    counts.update_by('n', lambda n: n + 1, 0)
manager.close()
)";

const char kHold[] = R"(
manager = brood_manager.connect(address, key)
manager.lock('door').acquire()
tell('held')
signal.pause()
)";

const char kTry[] = R"(
for tried in (b'another key', key):
    try:
        manager = brood_manager.connect(address, tried)
        counts = manager.dict('counts', 'text', 'i32')
        counts['theirs'] = 7
        tell('connected')
    except AuthenticationError as error:
        tell(str(error))
)";

/// Only of one that knows no other handshake the server has to allow the older.
ManagerServerOptions open_to(const Python& python) {
    return python.is_legacy ? keyed().allow_legacy() : keyed();
}

Script start(const Python& python, const Served& served, const char* script) {
    return Script(python, served.address(), kKey, (std::string(kImport) + script).c_str());
}

// One of them: they differ in their handshakes alone.
void python_uses_what_brood_serves(void**) {
    if (pythons().empty()) { return; }
    const Python& python = pythons().back();
    const Served served(open_to(python));
    const Manager& manager = served.manager;
    const auto counts = manager.dict<Text<16>, int>("counts").expect("making");
    assert_ok(counts.set("ours", -5));
    const auto numbers = manager.queue<double>(4, "numbers").expect("making");
    assert_ok(numbers.open()->put(2.5));
    const auto board = manager.name_space("board").expect("making");
    assert_ok(board.set("ours", -3));
    assert_ok(board.set("word", Text<16>("text")));
    assert_int_equal(start(python, served, kUse).end(), 0);

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

// Without a word about older digests, what is agreed on is SHA-256.
void a_python_gets_in_with_the_key_alone(void**) {
    for (const Python& python : pythons()) {
        const Served served(open_to(python));
        Script script = start(python, served, kTry);
        assert_string_equal(script.line().c_str(), "digest sent was rejected");
        assert_string_equal(script.line().c_str(), "connected");
        assert_int_equal(script.end(), 0);
        const auto counts = served.manager.find<Dict<Text<16>, int>>("counts").expect("finding");
        assert_int_equal(*counts.get("theirs"), 7);
    }
}

void a_python_that_knows_md5_alone_does_not_unless_it_is_allowed(void**) {
    for (const Python& python : pythons()) {
        if (!python.is_legacy) { continue; }
        const Served served;
        Script script = start(python, served, kTry);
        for (int i = 0; i < 2; ++i) {
            assert_string_equal(script.line().c_str(), "digest sent was rejected");
        }
        assert_int_equal(script.end(), 0);
    }
}

void pythons_and_processes_count_together(void**) {
    if (pythons().empty()) { return; }
    const Served served(keyed().allow_legacy());
    const auto counts = served.manager.dict<Text<16>, int>("counts").expect("making");
    // One of each generation, if there are two.
    Script scripts[] = {start(pythons().front(), served, kCount),
                        start(pythons().back(), served, kCount)};
    // For as long as they do, so that they are in each other's way.
    int ours = 0;
    while (!test::has_ended(scripts[0].pid()) || !test::has_ended(scripts[1].pid())) {
        for (int i = 0; i < 10; ++i, ++ours) {
            assert_ok(counts.update("n", [](int& n) { ++n; }));
        }
    }
    for (Script& script : scripts) { assert_int_equal(script.end(), 0); }
    assert_int_equal(*counts.get("n"), 400 + ours);
}

void a_lock_of_a_killed_python_heals(void**) {
    for (const Python& python : pythons()) {
        const Served served(open_to(python));
        Script holder = start(python, served, kHold);
        assert_string_equal(holder.line().c_str(), "held");
        Lock lock = served.manager.find<Handle<Lock>>("door")->open().expect("opening");
        assert_code(lock.take(milliseconds(20)), Errc::timed_out);
        kill(holder.pid(), SIGKILL);
        assert_code(lock.take(kLong), Errc::owner_died);
        assert_int_equal(holder.end(), -SIGKILL);
    }
}

}  // namespace

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(python_uses_what_brood_serves),
        cmocka_unit_test(a_python_gets_in_with_the_key_alone),
        cmocka_unit_test(a_python_that_knows_md5_alone_does_not_unless_it_is_allowed),
        cmocka_unit_test(pythons_and_processes_count_together),
        cmocka_unit_test(a_lock_of_a_killed_python_heals),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
