#include <tools/copy/tree.hpp>

#include <errno.h>
#include <sys/stat.h>

#include <cstring>

namespace tool::copy {
namespace {

void complain_of_path(void* context, const char* path, int error) noexcept {
    static_cast<Output*>(context)->complain(path, error);
}

bool is_temporary(const Walk::File& file) noexcept {
    return !file.is_start && Temporary::is_name(file.path + folder_length(file.path));
}

}  // namespace

TreeCopy::TreeCopy(Pipeline& pipeline, Output& output) noexcept
    : pipeline_(pipeline), output_(output), walk_(complain_of_path, &output, Walk::Give::all) {}

bool TreeCopy::copy(const char* source, const char* target) noexcept {
    source_length_ = std::strlen(source);
    if (source_length_ > 0 && source[source_length_ - 1] != '/') { ++source_length_; }
    target_length_ = std::strlen(target);
    std::memcpy(target_, target, target_length_ + 1);

    walk_.begin(source);
    Walk::File file;
    bool go_on = pipeline_.may_go_on();
    while (go_on && walk_.next(file)) {
        if (!is_temporary(file)) { go_on = take(file); }
    }
    return go_on;
}

bool TreeCopy::take(const Walk::File& file) noexcept {
    if (!set_target(file)) {
        output_.complain(file.path, ENAMETOOLONG);
        if (file.kind == Walk::Kind::enter) { walk_.skip(); }
        return true;
    }
    switch (file.kind) {
        case Walk::Kind::enter: make_folder(); return pipeline_.may_go_on();
        case Walk::Kind::leave: return pipeline_.add_folder(file.path, target_);
        default: return take_file(file);
    }
}

/// False if it is too long.
bool TreeCopy::set_target(const Walk::File& file) noexcept {
    target_[target_length_] = '\0';
    if (file.is_start) { return true; }
    const std::size_t length = file.path_length - source_length_;
    if (target_length_ + 1 + length >= kPathBytes) { return false; }
    target_[target_length_] = '/';
    std::memcpy(target_ + target_length_ + 1, file.path + source_length_, length + 1);
    return true;
}

/// Until all that it holds is there, it is the owner's alone.
void TreeCopy::make_folder() noexcept {
    if (mkdir(target_, S_IRWXU) == 0) { return; }
    int error = errno;
    struct stat status;
    if (error == EEXIST && lstat(target_, &status) == 0) {
        if (S_ISDIR(status.st_mode)) { return Temporary::remove_stale(target_); }
        error = ENOTDIR;
    }
    if (error == ENOTDIR) {
        output_.complain(target_, "there is a file, which a folder does not replace");
    } else {
        output_.complain(target_, error);
    }
    walk_.skip();
}

bool TreeCopy::take_file(const Walk::File& file) noexcept {
    struct stat status;
    if (file.linked && lstat(file.path, &status) == 0) {
        const char* first = nullptr;
        switch (links_.meet(status, target_, first)) {
            case Links::Met::again: return pipeline_.add_link(first, target_);
            case Links::Met::no_memory: output_.complain(file.path, ENOMEM); return true;
            case Links::Met::first: break;
        }
    }
    return file.kind == Walk::Kind::regular ? pipeline_.add_file(file.path, target_, file.bytes)
                                            : pipeline_.add_other(file.path, target_);
}

WorkTotals count_sources(const void* context) noexcept {
    const Options& options = *static_cast<const Options*>(context);
    WorkTotals totals = {};
    Walk walk(nullptr, nullptr, Walk::Give::all);
    Walk::File file;
    for (int i = 0; i < options.source_count; ++i) {
        walk.begin(options.sources[i]);
        while (walk.next(file)) {
            const bool is_folder = file.kind == Walk::Kind::enter || file.kind == Walk::Kind::leave;
            totals.files += is_folder || is_temporary(file) ? 0 : 1;
            totals.bytes += file.bytes;
        }
    }
    return totals;
}

}  // namespace tool::copy
