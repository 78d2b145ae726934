// brood ipc rm: removes names of what programs share.
#include <errno.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>

#include <tools/command.hpp>
#include <tools/ipc/options.hpp>
#include <tools/ipc/text.hpp>
#include <tools/sum_format.hpp>

namespace tool {
namespace ipc {
namespace {

class Remover {
public:
    explicit Remover(const RmOptions& options) noexcept : options_(options) {}

    void remove_named(const char* name) noexcept {
        GrowingList<Thing> found;
        int error = ENOENT;
        for (const Type type : kTypes) {
            Thing thing;
            if (!options_.wanted.fits(type)) { continue; }
            const int looked = look_at(type, name, thing);
            if (looked == 0) { found.add(thing); }
            if (looked != 0 && error == ENOENT) { error = looked; }
        }
        if (found.size() == 0) { return complain(name, std::strerror(error)); }
        if (found.size() > 1) {
            return complain(name, "there are several of that name: say which by --type");
        }
        Users users;
        users.look(found);
        remove(found[0], users);
    }

    /// All of this user's that are in a state.
    void remove_all() noexcept {
        GrowingList<Thing> things;
        const Gaps gaps = list_things(false, things);
        Users users;
        users.look(things);
        for (const Thing& thing : things) {
            const bool is_left = thing.state == State::orphaned ||
                                 (options_.unused && thing.state == State::unused);
            if (is_left && options_.wanted.fits(thing.type)) { remove(thing, users); }
        }
        if (gaps.files != nullptr) { complain("--orphans", gaps.files); }
        if (!users.are_known()) {
            complain("--orphans", "who uses what is not known: there is no /proc");
        }
    }

    int status() const noexcept { return status_; }

private:
    void complain(const char* name, const char* what) noexcept {
        char text[4 * sizeof(Thing::name)];
        std::fprintf(stderr, "brood ipc rm: %s: %s\n", format_name(text, sizeof text, name), what);
        status_ = kFailure;
    }
    void refuse(const Thing& thing, const Users& users) noexcept {
        char who[256], what[320];
        std::snprintf(
            what, sizeof what, "not removed: in use by %s; -f removes it all the same",
            thing.user_count > 0 ? list_users(who, sizeof who, thing, users) : "who makes it now");
        complain(thing.name, what);
    }

    void remove(const Thing& thing, const Users& users) noexcept {
        if (!options_.force) {
            if (thing.state == State::used) { return refuse(thing, users); }
            if (isatty(STDIN_FILENO) == 0) {
                return complain(thing.name, "not removed: no terminal to ask on; -f does not ask");
            }
            if (!is_wanted(thing)) { return; }
        }
        // The question may have been open for long.
        GrowingList<Thing> now;
        Thing again;
        const int error = look_at(thing.type, thing.name, again);
        if (error != 0) { return complain(thing.name, std::strerror(error)); }
        if (again.inode != thing.inode || again.device != thing.device) {
            return complain(thing.name, "not removed: it is another by now");
        }
        now.add(again);
        Users users_now;
        const bool is_chosen = !options_.force || options_.name_count == 0;
        if (is_chosen) { users_now.look(now); }
        if (is_chosen && now[0].state == State::used) { return refuse(now[0], users_now); }
        const int failed = remove_thing(again);
        if (failed != 0) { complain(thing.name, std::strerror(failed)); }
    }

    bool is_wanted(const Thing& thing) noexcept {
        char name[4 * sizeof(Thing::name)];
        std::fprintf(
            stderr, "remove %s %s, %s? [y/N] ", kind_of(thing),
            format_name(name, sizeof name, thing.name),
            thing.state == State::unknown ? "whose users are not known" : word_for(thing.state));
        char answer[64] = "";
        if (std::fgets(answer, sizeof answer, stdin) == nullptr) { std::fputc('\n', stderr); }
        return answer[0] == 'y' || answer[0] == 'Y';
    }

    const RmOptions& options_;
    int status_ = kSuccess;
};

}  // namespace
}  // namespace ipc

int run_ipc_rm(int count, char** arguments) {
    ipc::RmOptions options;
    switch (ipc::parse_options(count, arguments, options)) {
        case Parsed::finished: return kSuccess;
        case Parsed::refused: return kFailure;
        case Parsed::run: break;
    }
    ipc::Remover remover(options);
    for (int i = 0; i < options.name_count; ++i) { remover.remove_named(options.names[i]); }
    if (options.name_count == 0) { remover.remove_all(); }
    return remover.status();
}

}  // namespace tool
