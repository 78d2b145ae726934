// brood copy beside cp -a and rsync -a: a tree of small files, a file with holes, a large one.
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdint>

#include "bench.hpp"

namespace {

constexpr int kTurns = 3;  // Each of these takes seconds, and gigabytes of the disk.
constexpr std::uint64_t kMiB = 1 << 20;

std::string g_folder, g_brood;

int shell(const std::string& script) {
    return std::system(("cd '" + g_folder + "' && " + script).c_str());
}

void remove_folder() {
    static_cast<void>(shell("cd / && rm -rf '" + g_folder + "'"));
}

void prepare(const std::string& script) {
    if (shell(script) != 0) { bench::die(script.c_str()); }
}

/// Seconds until the command has ended; what was written before is on the disk when it begins.
/// Trees are kept until all is measured: for minutes ext4 passes over inodes that were removed, one
/// by one, which takes longer than all else.
double time_of(const std::string& command) {
    prepare("sync -f .");
    const double start = bench::now();
    prepare(command);
    const double seconds = bench::now() - start;
    prepare(
        "if [ -d out ]; then mkdir -p kept && mv out \"$(mktemp -d kept/XXXXXX)\"; else"
        " rm out; fi");
    return seconds;
}

void compare(const char* measure, const std::string& source, double goal) {
    struct {
        const char* name;
        std::string command;
    } const peers[] = {{"cp -a", "cp -a " + source + " out"},
                       {"rsync -a", "rsync -a " + source + " out"}};
    const std::string ours = g_brood + " copy " + source + " out";
    for (const auto& peer : peers) {
        const bool there = shell("command -v " + peer.command.substr(0, peer.command.find(' ')) +
                                 " > /dev/null") == 0;
        if (!there) {
            std::printf("not measured: no %s here\n", peer.name);
            continue;
        }
        double mine[kTurns], other[kTurns], ratio[kTurns];
        time_of(peer.command);  // Warms up: the source is in memory from then on, if it fits.
        for (int i = 0; i < kTurns; ++i) {
            mine[i] = time_of(ours);
            other[i] = time_of(peer.command);
            ratio[i] = mine[i] / other[i];
        }
        for (double* list : {mine, other, ratio}) { std::sort(list, list + kTurns); }
        constexpr int kMiddle = kTurns / 2;
        bench::print_row(measure, "s", mine[kMiddle], peer.name, other[kMiddle], ratio[kMiddle],
                         bench::Better::lower, goal);
    }
    if (source != "tree") { prepare("rm " + source); }
}

/// The command of the same build as this program, which is BUILD/tools/bench/copy.
std::string command_beside(const std::string& own) {
    char path[4096];
    const std::string at = own.substr(0, own.rfind('/')) + "/../../brood";
    if (realpath(at.c_str(), path) == nullptr) { bench::die(at.c_str()); }
    return path;
}

/// As large as is wanted, or as what is free allows for source, copy, and what the disk has not
/// given back yet.
std::uint64_t dense_mib(std::uint64_t wanted) {
    struct statvfs room = {};
    if (statvfs(g_folder.c_str(), &room) != 0) { bench::die("statvfs"); }
    const std::uint64_t free_mib = std::uint64_t{room.f_bavail} * room.f_frsize / kMiB;
    std::uint64_t mib = wanted;
    while (mib > 1 && mib * 3 > free_mib) { mib /= 2; }
    if (mib < wanted) {
        std::printf("of %llu MiB instead of %llu: no more room\n",
                    static_cast<unsigned long long>(mib), static_cast<unsigned long long>(wanted));
    }
    return mib;
}

}  // namespace

int main(int, char** arguments) {
    g_brood = command_beside(arguments[0]);
    const char* const temporary = std::getenv("TMPDIR");
    std::string name = std::string(temporary != nullptr ? temporary : "/tmp") + "/brood-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) { bench::die(name.c_str()); }
    g_folder = name;
    std::atexit(remove_folder);

    prepare(
        "mkdir tree && cd tree && for folder in $(seq 100); do mkdir $folder && (cd $folder &&"
        " head -c 800000 /dev/urandom | split -b 4000 -a 3 - file-) || exit; done");
    compare("copy: a tree of 20000 files of 4 kB", "tree", 1.0);
    prepare(
        "truncate -s 4G sparse && for at in 0 1 2 3; do head -c 1M /dev/urandom |"
        " dd of=sparse bs=1M seek=$((at * 1000)) conv=notrunc 2> log || exit; done");
    compare("copy: a file of 4 GiB, nearly all holes", "sparse", 1.0);
    prepare("head -c " + std::to_string(dense_mib(2048)) + "M /dev/urandom > dense");
    compare("copy: a file of 2 GiB", "dense", 1.0);
}
