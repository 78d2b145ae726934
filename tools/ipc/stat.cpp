// brood ipc stat: one thing that programs share.
#include <errno.h>

#include <cstdio>
#include <cstring>
#include <utility>

#include <tools/command.hpp>
#include <tools/ipc/manager.hpp>
#include <tools/ipc/options.hpp>
#include <tools/ipc/text.hpp>

namespace tool {
namespace ipc {
namespace {

int fail(const char* name, int error) noexcept {
    std::fprintf(stderr, "brood ipc stat: %s: %s\n", name, std::strerror(error));
    return kFailure;
}

/// Everything of that name; `error`: why one that may be there could not be looked at.
void find(const StatOptions& options, GrowingList<Thing>& things, int& error) noexcept {
    for (const Type type : kTypes) {
        if (!options.wanted.fits(type)) { continue; }
        Thing thing;
        const int found = look_at(type, options.name, thing);
        if (found == 0) { things.add(thing); }
        if (found != 0 && (error == ENOENT || error == ENOSYS)) { error = found; }
    }
}

}  // namespace
}  // namespace ipc

int run_ipc_stat(int count, char** arguments) {
    ipc::StatOptions options;
    switch (ipc::parse_options(count, arguments, options)) {
        case Parsed::finished: return kSuccess;
        case Parsed::refused: return kFailure;
        case Parsed::run: break;
    }
    GrowingList<ipc::Thing> things;
    int error = ENOENT;
    ipc::find(options, things, error);
    if (things.size() == 0) { return ipc::fail(options.name, error); }
    ipc::Users users;
    users.look(things);
    bool is_complete = true;
    const char* before = "[";
    for (const ipc::Thing& thing : things) {
        const bool is_manager = thing.type == ipc::Type::shm && thing.maker == ipc::Maker::manager;
        if (options.json) {
            std::fputs(std::exchange(before, ","), stdout);
            std::fputc('{', stdout);
            ipc::print_json_facts(thing, users);
        } else {
            ipc::print_facts(thing, users);
        }
        if (is_manager && !ipc::print_manager(options.name, options.json)) { is_complete = false; }
        if (options.json) { std::fputc('}', stdout); }
    }
    if (options.json) { std::fputs("]\n", stdout); }
    return is_complete ? kSuccess : kFailure;
}

}  // namespace tool
