// brood study: an example is run beside the command, and watched.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include <brood/exec.hpp>
#include <brood/process.hpp>
#include <tools/nearest.hpp>
#include <tools/output_file.hpp>
#include <tools/study/picture.hpp>
#include <tools/study_options.hpp>

namespace tool {
namespace {

constexpr int kLookMs = 50;  // How often the trace is looked at for what is new.

/// Where the examples are: in the build tree, or as installed.
class Folder {
public:
    Folder() noexcept {
        char self[PATH_MAX] = "";
        const ssize_t bytes = readlink("/proc/self/exe", self, sizeof(self) - 1);
        char* const slash = bytes > 0 ? std::strrchr(self, '/') : nullptr;
        if (slash == nullptr) { return; }
        *slash = '\0';
        for (const char* const place : {"tools/examples", "../libexec/brood"}) {
            std::snprintf(path_, sizeof(path_), "%s/%s", self, place);
            if (access(path_, F_OK) == 0) { return; }
        }
        path_[0] = '\0';
    }
    bool ok() const noexcept { return path_[0] != '\0'; }
    std::string path_of(const char* name) const { return std::string(path_) + "/" + name; }

private:
    char path_[PATH_MAX + 64] = "";
};

/// Calls f(name, summary) for each example, and f("#", heading) above each of their groups.
template <class F>
bool each_study(const Folder& folder, F f) {
    std::FILE* const list = std::fopen(folder.path_of("summaries").c_str(), "re");
    if (list == nullptr) { return false; }
    char line[512];
    while (std::fgets(line, sizeof(line), list) != nullptr) {
        char* const blank = std::strchr(line, ' ');
        if (blank == nullptr) { continue; }
        *blank = '\0';
        f(static_cast<const char*>(line), static_cast<const char*>(blank + 1));
    }
    std::fclose(list);
    return true;
}

int list_studies(const Folder& folder) {
    std::fputs("A path from the first fork to a pool. Each step: brood study NAME, and --trace.\n",
               stdout);
    int step = 0;
    const bool ok = each_study(folder, [&](const char* name, const char* summary) {
        // The summary has the end of its line.
        if (name[0] == '#') {
            std::printf("\n%s", summary);
        } else {
            std::printf("%4d  %-20s %s", ++step, name, summary);
        }
    });
    if (!ok) {
        std::perror("brood study: the list of examples");
        return kFailure;
    }
    std::fputs("\nWho gets the CPU when: brood sched.\n", stdout);
    return kSuccess;
}

/// pool-cost is pool_cost. False: there is none of that name, and that has been said.
bool find_study(const Folder& folder, char* name) {
    const std::string given = name;
    std::replace(name, name + given.size(), '-', '_');
    Nearest nearest(name);
    each_study(folder, [&](const char* word, const char*) {
        if (word[0] != '#') { nearest.offer(word); }
    });
    if (nearest.is_given()) { return true; }
    std::fprintf(stderr,
                 "brood study: there is no example '%s'. The nearest is '%s'; brood study lists "
                 "all.\n",
                 given.c_str(), nearest.word());
    return false;
}

/// The file that the example writes its trace into.
class Pad {
public:
    Pad() {
        const char* const folder = getenv("TMPDIR");
        std::snprintf(path_, sizeof(path_), "%s/brood-study-XXXXXX",
                      folder != nullptr && folder[0] != '\0' ? folder : "/tmp");
        const int fd = mkostemp(path_, O_CLOEXEC);
        file_ = fd < 0 ? nullptr : fdopen(fd, "r");
        if (file_ == nullptr) { std::fprintf(stderr, "brood study: %s: no file\n", path_); }
    }
    ~Pad() {
        if (file_ == nullptr) { return; }
        std::fclose(file_);
        (void)unlink(path_);
    }
    Pad(const Pad&) = delete;
    Pad& operator=(const Pad&) = delete;

    bool ok() const { return file_ != nullptr; }
    const char* path() const { return path_; }
    std::FILE* file() const { return file_; }
    /// Prints what is new.
    void show() {
        char text[4096];
        std::clearerr(file_);
        for (std::size_t bytes = 0; (bytes = std::fread(text, 1, sizeof(text), file_)) > 0;) {
            std::fwrite(text, 1, bytes, stderr);
        }
    }

private:
    char path_[PATH_MAX];
    std::FILE* file_ = nullptr;
};

int status_of(int exit_code) {
    return exit_code >= 0 ? exit_code : 128 - exit_code;
}

/// Runs the example to its end: its status.
int run_watched(const char* path, const StudyOptions& options, Pad& pad) {
    setenv("BROOD_TRACE", pad.path(), 1);
    brood::Result<brood::Process> started =
        brood::Process::exec(path, options.program, brood::ExecOptions().keep_input());
    if (!started.ok()) {
        std::fprintf(stderr, "brood study: %s: %s\n", path, started.error().text());
        return kFailure;
    }
    (void)signal(SIGINT, SIG_IGN);  // Ctrl-C is for the example; what it did is drawn all the same.
    while (started->join(brood::milliseconds(kLookMs)).code() == brood::Errc::timed_out) {
        if (options.trace) { pad.show(); }
    }
    if (options.trace) { pad.show(); }
    const brood::Result<int> code = started->exit_code();
    return code.ok() ? status_of(*code) : kFailure;
}

int run_with_pictures(const char* path, const StudyOptions& options) {
    OutputFile timeline("brood study"), json("brood study");
    Pad pad;
    if (!pad.ok() || !timeline.open(options.timeline) || !json.open(options.json)) {
        return kFailure;
    }
    const int status = run_watched(path, options, pad);
    std::rewind(pad.file());
    const Trace trace = read_trace(pad.file());
    if (trace.processes.empty()) {
        std::fprintf(stderr, "brood study: %s has left no trace\n", path);
        return kFailure;
    }
    if (timeline.file() != nullptr) { draw_timeline(trace, options.program[0], timeline.file()); }
    if (json.file() != nullptr) { write_chrome_trace(trace, json.file()); }
    const bool written = timeline.close() && json.close();
    return written ? status : kFailure;
}

}  // namespace

int run_study(int count, char** arguments) {
    StudyOptions options;
    const Parsed parsed = parse_study_options(count, arguments, options);
    if (parsed != Parsed::run) { return parsed == Parsed::finished ? kSuccess : kFailure; }
    const Folder folder;
    if (!folder.ok()) {
        std::fputs("brood study: there are no examples beside this command\n", stderr);
        return kFailure;
    }
    if (options.program == nullptr) { return list_studies(folder); }
    if (!find_study(folder, options.program[0])) { return kFailure; }

    const std::string path = folder.path_of(options.program[0]);
    if (options.timeline != nullptr || options.json != nullptr) {
        return run_with_pictures(path.c_str(), options);
    }
    if (options.trace) { setenv("BROOD_TRACE", "1", 1); }
    execv(path.c_str(), options.program);
    std::perror(path.c_str());
    return kFailure;
}

}  // namespace tool
