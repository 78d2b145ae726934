// Goal: SharedMemory is Python's multiprocessing.shared_memory.SharedMemory, in both directions.
// Method: a real python3 on the other side.
#include "shared_support.hpp"

#include <string.h>

#include <brood/array.hpp>
#include <brood/shared_memory.hpp>

using namespace shared_test;
using brood::Array;
using brood::Errc;
using brood::SharedMemory;

namespace {

constexpr size_t kBytes = 5000;

// CPython registers also what it merely attached with its resource tracker, which unlinks it when
// the program ends (up to 3.12; later, unless track=False is given). So a script that attaches
// takes it off the list.
const char kAttach[] = R"(
import sys
from multiprocessing import resource_tracker, shared_memory
memory = shared_memory.SharedMemory(name=sys.argv[1])
resource_tracker.unregister(memory._name, 'shared_memory')
assert memory.size == 5000, memory.size
assert bytes(memory.buf[:5]) == b'brood', bytes(memory.buf[:5])
assert not any(memory.buf[5:])
memory.buf[4999] = 42
memory.close()
)";

const char kCreate[] = R"(
import sys
from multiprocessing import shared_memory
memory = shared_memory.SharedMemory(name=sys.argv[1], create=True, size=5000)
memory.buf[:6] = b'python'
print('made', flush=True)
sys.stdin.readline()
seen = memory.buf[4999]
memory.close()
memory.unlink()  # FileNotFoundError if somebody else did.
sys.exit(0 if seen == 42 else 1)
)";

// The elements of a named Array begin at byte 128. NumPy, where it is, sees the same by
// numpy.frombuffer(memory.buf, 'i4', offset=128).
const char kReadArray[] = R"(
import struct, sys
from multiprocessing import resource_tracker, shared_memory
memory = shared_memory.SharedMemory(name=sys.argv[1])
resource_tracker.unregister(memory._name, 'shared_memory')
count = struct.unpack_from('Q', memory.buf, 16)[0]
assert count == 1000, count
try:
    import numpy
    squares = numpy.frombuffer(memory.buf, 'i4', offset=128, count=count)
except ImportError:
    print('NumPy is not here: read as a memoryview', file=sys.stderr)
    squares = memory.buf[128:128 + 4 * count].cast('i')
assert all(squares[i] == i * i for i in range(count))
squares[7] = -7
if isinstance(squares, memoryview): squares.release()
del squares
memory.close()
)";

// Python gives every name its '/' itself. 127: there is no python3.
[[noreturn]] void become_python(const char* script, const char* name) {
    (void)execlp("python3", "python3", "-c", script, name + 1, static_cast<char*>(nullptr));
    _exit(127);
}

bool has_python() {
    static const int found =
        end_of(start_child([] { become_python("import multiprocessing.shared_memory", "/"); }));
    if (found != 0) { test::not_run("Python", "no python3 with shared_memory (3.8)"); }
    return found == 0;
}

void python_attaches_what_brood_created(void**) {
    if (!has_python()) { return; }
    const Name name("for-python");
    const SharedMemory made = SharedMemory::create(name, kBytes).expect("creating");
    auto* const bytes = static_cast<unsigned char*>(made.data());
    memcpy(bytes, "brood", 5);
    assert_int_equal(end_of(start_child([&] { become_python(kAttach, name); })), 0);
    assert_int_equal(bytes[kBytes - 1], 42);
    assert_true(SharedMemory::open(name).ok());  // It is still there.
}

void python_reads_and_writes_a_named_array(void**) {
    if (!has_python()) { return; }
    const Name name("array-for-python");
    auto squares = Array<int>::create_named(name, 1000).expect("making an array");
    for (int i = 0; i < 1000; ++i) { squares[static_cast<size_t>(i)] = i * i; }
    assert_int_equal(end_of(start_child([&] { become_python(kReadArray, name); })), 0);
    assert_int_equal(squares[7], -7);
}

void an_array_is_attached_to_bare_memory(void**) {
    const Name name("bare");
    SharedMemory made = SharedMemory::create(name, 10).expect("creating");
    memcpy(made.data(), "abcdefghij", 10);
    auto letters =
        Array<short>::attach(SharedMemory::open(name).expect("opening")).expect("attaching");
    // A segment has whole pages, here as on Linux, or as many bytes as were asked for.
    assert_true(letters.size() >= 5);
    assert_memory_equal(letters.begin(), "abcdefghij", 10);
    letters[0] = 0;
    assert_int_equal(static_cast<char*>(made.data())[0], 0);
    assert_error(letters.lock().take().code(), Errc::closed, "no lock");
    assert_error(Array<char[4096 * 1024]>::attach(SharedMemory::open(name).expect("opening"))
                     .status()
                     .code(),
                 Errc::size_zero, "less than one element");
    assert_error(Array<int>::attach(SharedMemory()).status().code(), Errc::closed, "no memory");
}

void brood_opens_what_python_created(void**) {
    if (!has_python()) { return; }
    const Name name("by-python");
    int to_python[2], from_python[2];
    assert_int_equal(pipe(to_python), 0);
    assert_int_equal(pipe(from_python), 0);
    const pid_t python = start_child([&] {
        CHECK_IN_CHILD(dup2(to_python[0], 0) == 0 && dup2(from_python[1], 1) == 1);
        become_python(kCreate, name);
    });
    pollfd answer = {from_python[0], POLLIN, 0};
    assert_int_equal(poll(&answer, 1, static_cast<int>(test::kPatienceMs)), 1);
    {
        const SharedMemory opened = SharedMemory::open(name).expect("opening");
        assert_int_equal(opened.size(), kBytes);
        auto bytes = Array<unsigned char>::attach(SharedMemory::open(name).expect("opening"))
                         .expect("attaching");
        assert_int_equal(bytes.size(), kBytes);
        assert_memory_equal(bytes.begin(), "python", 6);
        assert_int_equal(bytes[6], 0);
        bytes[kBytes - 1] = 42;
        assert_error(SharedMemory::create(name, 1).code(), Errc::already_exists, "Python's");
    }
    assert_int_equal(write(to_python[1], "\n", 1), 1);
    assert_int_equal(end_of(python), 0);
    assert_error(SharedMemory::open(name).code(), Errc::not_found, "unlinked by Python");
    for (const int fd : {to_python[0], to_python[1], from_python[0], from_python[1]}) {
        assert_int_equal(close(fd), 0);
    }
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        TIDY(python_attaches_what_brood_created),
        TIDY(python_reads_and_writes_a_named_array),
        TIDY(an_array_is_attached_to_bare_memory),
        TIDY(brood_opens_what_python_created),
    };
    return cmocka_run_group_tests_name("shared_memory_python", tests, nullptr, nullptr);
}
