// Real Pythons at the other end of a socket: the python3 of this machine, and the connections of
// one from 3.12 on, which have another handshake.
#ifndef BROOD_TEST_PYTHON_SUPPORT_HPP
#define BROOD_TEST_PYTHON_SUPPORT_HPP

#include "socket_support.hpp"

#include <vector>

namespace socket_test {

/// A kind of Python that can be had here.
struct Python {
    const char* name;
    std::string connection;  // its connection.py; "own": that of the python3 of this machine
    bool is_legacy;          // before 3.12: MD5
};

/// What a command prints in its first line, without the end of line; "" if it fails.
inline std::string line_of(const char* command) {
    char line[PATH_MAX] = {};
    FILE* const run = popen(command, "r");
    assert_non_null(run);
    const bool has_line = fgets(line, sizeof line, run) != nullptr;
    const bool has_failed = pclose(run) != 0;
    line[strcspn(line, "\n")] = '\0';
    return has_failed || !has_line ? "" : line;
}

/// All that can be had; for those that cannot it says so.
inline const std::vector<Python>& pythons() {
    static const std::vector<Python> all = [] {
        std::vector<Python> found;
        const std::string old =
            line_of("python3 -c 'import sys; print(sys.version_info < (3, 12))' 2>/dev/null");
        if (old == "True") {
            found.push_back({"Python before 3.12", "own", true});
        } else {
            test::not_run("Python before 3.12", "no such python3 here");
        }
        const std::string newer = line_of("tools/build/newer_python.sh 2>&1");
        if (!newer.empty()) {
            found.push_back({"Python from 3.12 on", newer, false});
        } else {
            test::not_run("Python from 3.12 on", "neither installed, nor to be had by npm");
        }
        return found;
    }();
    return all;
}

/// What every script begins with: `address`, `key` (None if there is none), Client, Listener.
inline constexpr char kPrelude[] = R"(
import importlib.util, multiprocessing, os, sys
if sys.argv[1] != 'own':
    spec = importlib.util.spec_from_file_location('multiprocessing.connection', sys.argv[1])
    module = importlib.util.module_from_spec(spec)
    sys.modules['multiprocessing.connection'] = module
    spec.loader.exec_module(module)
    multiprocessing.connection = module
from multiprocessing import AuthenticationError, BufferTooShort, reduction
from multiprocessing.connection import Client, Listener, wait
family, where, port = sys.argv[2], sys.argv[3], int(sys.argv[4])
address = {'unix': where, 'abstract': '\0' + where}.get(family) or (where, port)
key = sys.argv[5].encode() or None
options = {'family': 'AF_INET6'} if family == 'ip6' else {}
def connect(key=key):
    return Client(address, authkey=key, **options)
def listen(key=key):
    return Listener(address, authkey=key, **options)
def data(size, number=0):
    block = bytes((7 * i + number) % 251 for i in range(4001))
    return (block * (size // 4001 + 1))[:size]
def tell(line):
    print(line, flush=True)
)";

/// The bytes of data() in the prelude.
inline std::string data(std::size_t size, unsigned number = 0) {
    std::string block, bytes;
    for (unsigned i = 0; i < 4001; ++i) { block += static_cast<char>((7 * i + number) % 251); }
    bytes.reserve(size + block.size());
    while (bytes.size() < size) { bytes += block; }
    bytes.resize(size);
    return bytes;
}

/// A running script. What it prints is read line by line. Killed when it goes out of scope.
class Script {
public:
    Script(const Python& python, const Address& address, const char* key, const char* script) {
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid_ = test::start_child([&] { return become(ends[1], python, address, key, script); });
        ::close(ends[1]);
        output_ = fdopen(ends[0], "r");
        assert_non_null(output_);
    }
    ~Script() {
        fclose(output_);
        if (pid_ > 0) { test::killed(pid_); }
    }
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;

    pid_t pid() const { return pid_; }
    std::string line() {
        char text[300] = {};
        if (fgets(text, sizeof text, output_) == nullptr) { return ""; }
        text[strcspn(text, "\n")] = '\0';
        return text;
    }
    /// Its exit status: 0, unless something was not as it expected.
    int end() { return test::join_child(std::exchange(pid_, -1)); }

private:
    static int become(int output, const Python& python, const Address& address, const char* key,
                      const char* script) {
        const char* family = "ip6";
        if (address.family() == Address::Family::unix_path) { family = "unix"; }
        if (address.family() == Address::Family::abstract) { family = "abstract"; }
        if (address.family() == Address::Family::ip4) { family = "ip"; }
        char where[112];
        address.text(where, sizeof where);
        std::string name = where;
        if (address.family() == Address::Family::abstract) { name = name.substr(1); }
        if (address.family() == Address::Family::ip4) { name = name.substr(0, name.rfind(':')); }
        if (address.family() == Address::Family::ip6) {
            name = name.substr(1, name.rfind(']') - 1);
        }
        const std::string port = std::to_string(address.port());
        const std::string all = std::string(kPrelude) + script;
        dup2(output, 1);
        alarm(test::kChildSeconds);
        (void)execlp("python3", "python3", "-c", all.c_str(), python.connection.c_str(), family,
                     name.c_str(), port.c_str(), key, static_cast<char*>(nullptr));
        return 127;
    }
    pid_t pid_;
    FILE* output_;
};

inline ListenerOptions keyed_for(const Python& python) {
    ListenerOptions options = keyed();
    if (python.is_legacy) { options.allow_legacy(); }
    return options;
}
inline ClientOptions with_key_for(const Python& python) {
    ClientOptions options = with_key();
    if (python.is_legacy) { options.allow_legacy(); }
    return options;
}

}  // namespace socket_test

#endif
