// brood copy: files and trees, by several processes, whole or not at all.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <tools/command.hpp>
#include <tools/copy/options.hpp>
#include <tools/copy/pipeline.hpp>
#include <tools/copy/target.hpp>
#include <tools/copy/tree.hpp>
#include <tools/stop.hpp>

namespace tool {
namespace {

/// The way that "LINK/" goes: to the folder it leads to.
const char* walked(const char* source, char (&path)[kPathBytes]) {
    const std::size_t length = std::strlen(source);
    if (length < 2 || length + 2 > sizeof path || source[length - 1] != '/') { return source; }
    std::memcpy(path, source, length + 1);
    while (std::strlen(path) > 1 && path[std::strlen(path) - 1] == '/') {
        path[std::strlen(path) - 1] = '\0';
    }
    struct stat status;
    if (lstat(path, &status) != 0 || !S_ISLNK(status.st_mode)) { return source; }
    return std::strcat(path, "/.");
}

/// The names in a folder are on the disk.
void sync_folder(const char* folder, Output& output) {
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) { output.complain(folder, errno); }
    if (fd >= 0) { close(fd); }
}

void copy_sources(const copy::Options& options, copy::Pipeline& pipeline, Output& output,
                  copy::Destination& destination) {
    copy::TreeCopy tree(pipeline, output);
    char target[kPathBytes], path[kPathBytes];
    copy::Temporary::remove_stale(destination.folder());
    bool go_on = true;
    for (int i = 0; i < options.source_count && go_on; ++i) {
        const char* const source = walked(options.sources[i], path);
        if (!destination.find_target(options.sources[i], target)) { continue; }
        go_on = tree.copy(source, target);
    }
    if (go_on && pipeline.drain() && options.fsync) { sync_folder(destination.folder(), output); }
}

}  // namespace

int run_copy(int count, char** arguments) {
    copy::Options options;
    switch (copy::parse_options(count, arguments, options)) {
        case Parsed::finished: return kSuccess;
        case Parsed::refused: return kFailure;
        case Parsed::run: break;
    }
    catch_stop_signals();
    umask(S_IRWXG | S_IRWXO);  // All get their modes in the end.
    Progress progress;
    Output output(arguments[0], progress);
    copy::Destination destination(output);
    if (!destination.look(options)) { return output.status(); }
    progress.start(copy::count_sources, &options);
    copy::Pipeline pipeline(options, output, progress);
    const brood::Status started = pipeline.start();
    if (started.ok()) {
        copy_sources(options, pipeline, output, destination);
        pipeline.stop();
    } else {
        output.complain("starting the workers", started.error().text());
    }
    progress.stop();
    if (!pipeline.status().ok()) {
        output.complain("the workers", pipeline.status().error().text());
    }
    output.finish();
    if (stop_signal() != 0) { end_by_stop_signal(); }
    return output.status();
}

}  // namespace tool
