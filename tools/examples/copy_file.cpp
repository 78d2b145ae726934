// Copies a file by two processes at the same time, each of which copies one half.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;
using stage::words;

constexpr long long kBufferBytes = 65536;

static void copy(const char* from, const char* to, long long begin, long long end) {
    std::ifstream source(from, std::ios::binary);
    std::fstream target(to, std::ios::binary | std::ios::in | std::ios::out);
    source.seekg(begin);
    target.seekp(begin);
    char buffer[kBufferBytes];
    for (long long left = end - begin; left > 0 && source && target; left -= source.gcount()) {
        source.read(buffer, static_cast<std::streamsize>(std::min(left, kBufferBytes)));
        target.write(buffer, source.gcount());
    }
    if (!source || !target.flush()) { this_process::exit(1, words("copying failed", "拷贝失败")); }
    say("%d copied the bytes from %lld to %lld", "%d 进程拷贝了从%lld到%lld的字节",
        this_process::id(), begin, end);
}

int main(int count, char** arguments) {
    if (count != 3) {
        this_process::exit(2, words("usage: copy_file FROM TO", "用法: copy_file FROM TO"));
    }
    const char *const from = arguments[1], *const to = arguments[2];
    std::error_code none, same;
    const auto size = static_cast<long long>(std::filesystem::file_size(from, none));
    if (none || std::filesystem::equivalent(from, to, same)) {
        this_process::exit(
            1, words("FROM must be a file, and not TO", "FROM 必须是文件, 并且不是 TO"));
    }
    std::ofstream(to, std::ios::binary).flush();  // Makes it, or empties it.

    Process halves[2] = {Process(copy, from, to, 0, size / 2),
                         Process(copy, from, to, size / 2, size)};
    for (Process& half : halves) { half.start().expect("starting a copier"); }
    for (Process& half : halves) {
        half.join().expect("joining a copier");
        if (*half.exit_code() != 0) { this_process::exit(1); }
    }
}
