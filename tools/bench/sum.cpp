// `brood sum` beside find | xargs -P sha256sum: on many small files, and on a few large ones.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include <vector>

#include "bench.hpp"

namespace {

constexpr int kFolders = 100, kFilesEach = 200, kSmallBytes = 3000;
constexpr int kLarge = 5;
constexpr std::size_t kLargeBytes = 160u << 20;

std::string g_folder, g_brood;

void write_file(const std::string& path, const std::vector<char>& bytes) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const auto wanted = static_cast<ssize_t>(bytes.size());
    if (file < 0 || write(file, bytes.data(), bytes.size()) != wanted) { bench::die(path.c_str()); }
    close(file);
}

/// In memory, if there is room: what is compared is not the disk.
void make_trees() {
    for (const char* place : {"/dev/shm", "/tmp"}) {
        g_folder = std::string(place) + "/brood-bench-XXXXXX";
        if (mkdtemp(g_folder.data()) != nullptr) { break; }
    }
    mkdir((g_folder + "/small").c_str(), 0700);
    mkdir((g_folder + "/large").c_str(), 0700);
    const std::vector<char> small(kSmallBytes, 's'), large(kLargeBytes, 'l');
    for (int i = 0; i < kFolders; ++i) {
        const std::string folder = g_folder + "/small/" + std::to_string(i);
        if (mkdir(folder.c_str(), 0700) != 0) { bench::die(folder.c_str()); }
        for (int j = 0; j < kFilesEach; ++j) {
            write_file(folder + "/file" + std::to_string(j), small);
        }
    }
    for (int i = 0; i < kLarge; ++i) {
        write_file(g_folder + "/large/" + std::to_string(i), large);
    }
}

/// The seconds that a command of the shell takes in the folder.
double time_of(const std::string& command) {
    const double start = bench::now();
    if (std::system(("cd " + g_folder + " && " + command + " > /dev/null").c_str()) != 0) {
        bench::die(command.c_str());
    }
    return bench::now() - start;
}

/// `batch`: how many files each sha256sum is given, such that none waits for work in the end.
void compare(const char* measure, const char* tree, double size, const char* unit, int batch) {
    const std::string cpus = std::to_string(CPU_COUNT(&bench::usable_cpus()));
    const std::string ours = g_brood + " sum -j " + cpus + " " + tree;
    const std::string theirs = std::string("find ") + tree + " -type f -print0 | xargs -0 -P" +
                               cpus + " -n" + std::to_string(batch) + " sha256sum";
    bench::row(
        measure, unit, "xargs -P sha256sum", bench::Better::higher, 1.0,
        [&] { return size / time_of(ours); }, [&] { return size / time_of(theirs); });
}

}  // namespace

int main(int, char** arguments) {
    // The command is built beside tools/bench.
    const std::string own = arguments[0];
    char path[PATH_MAX];
    if (realpath((own.substr(0, own.rfind('/') + 1) + "../../brood").c_str(), path) == nullptr) {
        bench::die("the command brood");
    }
    g_brood = path;
    make_trees();
    compare("brood sum, 20000 files of 3 KB", "small", kFolders * kFilesEach / 1e3, "k/s", 500);
    compare("brood sum, 5 files of 160 MiB", "large", kLarge * 160, "MiB/s", 1);
    return std::system(("rm -rf " + g_folder).c_str());
}
