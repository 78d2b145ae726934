#include <tools/copy/options.hpp>

#include <cstdio>
#include <cstring>
#include <iterator>

#include <brood/pool.hpp>
#include <brood/this_process.hpp>

namespace tool {
namespace {

enum : int { kFsync = Option::kNoLetter, kVerify, kReflink };

constexpr Option kOptions[] = {
    {'j', "jobs", "N", "work with N processes (default: the CPUs that may be used)"},
    {kFsync, "fsync", nullptr,
     "end when all that was copied is on the disk, and give files their names when they are"},
    {kReflink, "reflink", "auto|never|always",
     "share blocks with the source where the file system can; never: write them anew; always: it "
     "is an error where it cannot (default: auto)"},
    {'v', "verbose", nullptr, "print what is copied, in the order of the paths"},
    {kVerify, "verify", nullptr,
     "read each copy back and compare; what is there already is compared, too, and copied again if "
     "it differs"},
};

bool take_reflink(copy::Options& options, const Given& given) noexcept {
    constexpr struct {
        const char* name;
        copy::Reflink value;
    } kWays[] = {{"auto", copy::Reflink::automatic},
                 {"never", copy::Reflink::never},
                 {"always", copy::Reflink::always}};
    for (const auto& way : kWays) {
        if (std::strcmp(given.value(), way.name) == 0) {
            options.reflink = way.value;
            return true;
        }
    }
    return given.refuse("auto, never or always");
}

bool take_option(copy::Options& options, const Given& given) noexcept {
    std::int64_t workers = 0;
    switch (given.key()) {
        case 'v': options.verbose = true; return true;
        case kFsync: options.fsync = true; return true;
        case kVerify: options.verify = true; return true;
        case kReflink: return take_reflink(options, given);
        case 'j':
            if (!given.number(1, brood::PoolOptions::kWorkersMax, workers)) { return false; }
            options.workers = static_cast<std::uint32_t>(workers);
            return true;
        default: return false;
    }
}

}  // namespace

extern const Manual kCopyManual = {
    "copy",
    "copies of files and trees, by several processes, whole or not at all",
    "[-j N] SRC DST\n"
    "[-j N] SRC... FOLDER",
    "Copy files and whole trees as `cp -a` does: with modes, times, owners, extended attributes "
    "and ACLs as far as that is permitted, holes, symbolic links as links, and hard links among "
    "what is copied. Several files are copied at a time, and large ones in several pieces.",
    kOptions,
    std::size(kOptions),
    "Each file is written under another name in its folder, .brood-copy- and two numbers, and gets "
    "its own when it is complete: it is there whole or not at all, whatever is killed. To continue "
    "after an interruption, run the same again: a file is taken for copied if size and time of "
    "modification are those of its source (and see --verify); what an interrupted run has left is "
    "removed. In SRC such names are passed over, and so are sockets, which are named.\n"
    "What is in the DST already and has another name than anything in SRC stays as it is. A file "
    "replaces a file, but never a folder, nor a folder a file; links in the DST are replaced, not "
    "followed.\n"
    "What cannot be read, and a file that changes while it is copied, is named and not copied, and "
    "the rest is. A full disk ends the work. A file whose worker process is killed is done again "
    "once. Progress is shown if standard error is a terminal.",
    "0 if all is there; 1 if something could not be copied, or if the usage was wrong.",
    Operands::files,
    false,
};

namespace copy {

Parsed parse_options(int count, char** arguments, Options& options) noexcept {
    options.workers = brood::cpu_count();
    int first = 0;
    const Parsed parsed =
        tool::parse_options(kCopyManual, count, arguments, first,
                            [&](const Given& given) { return take_option(options, given); });
    if (parsed != Parsed::run) { return parsed; }
    if (count - first < 2) {
        std::fputs(count == first ? "brood copy: which SRC, and to where?\n"
                                  : "brood copy: to where? The last argument is the DST\n",
                   stderr);
        return refuse_usage("copy");
    }
    options.sources = arguments + first;
    options.source_count = count - first - 1;
    options.destination = arguments[count - 1];
    return Parsed::run;
}

}  // namespace copy
}  // namespace tool
