// brood ipc ls: what programs share by a name.
#include <cstdio>
#include <utility>

#include <tools/command.hpp>
#include <tools/ipc/options.hpp>
#include <tools/ipc/text.hpp>
#include <tools/json_text.hpp>

namespace tool {
namespace ipc {
namespace {

bool is_shown(const Thing& thing, const LsOptions& options) noexcept {
    return !options.orphans || thing.state == State::orphaned;
}

void print_list(const GrowingList<Thing>& things, const Users& users,
                const LsOptions& options) noexcept {
    bool is_empty = true;
    for (const Thing& thing : things) {
        if (!is_shown(thing, options)) { continue; }
        if (std::exchange(is_empty, false)) { print_head(options.everybody); }
        print_line(thing, users, options.everybody, options.with_users);
    }
    if (!is_empty) { return; }
    std::fputs(options.orphans ? "nothing was left behind\n" : "nothing is shared by a name\n",
               stderr);
}

void print_object(const GrowingList<Thing>& things, const Users& users, const Gaps& gaps,
                  const LsOptions& options) noexcept {
    const char* before = "{\"things\":[";
    for (const Thing& thing : things) {
        if (!is_shown(thing, options)) { continue; }
        std::fputs(std::exchange(before, ","), stdout);
        std::fputc('{', stdout);
        print_json_facts(thing, users);
        std::fputc('}', stdout);
    }
    if (*before == '{') { std::fputs(before, stdout); }
    before = "],\"gaps\":[";
    for (const char* gap : {gaps.files, gaps.queues}) {
        if (gap == nullptr) { continue; }
        std::fputs(std::exchange(before, ","), stdout);
        print_json_text(stdout, gap);
    }
    if (*before == ']') { std::fputs(before, stdout); }
    std::fputs("]}\n", stdout);
}

}  // namespace
}  // namespace ipc

int run_ipc_ls(int count, char** arguments) {
    ipc::LsOptions options;
    switch (ipc::parse_options(count, arguments, options)) {
        case Parsed::finished: return kSuccess;
        case Parsed::refused: return kFailure;
        case Parsed::run: break;
    }
    GrowingList<ipc::Thing> things;
    ipc::Gaps gaps = ipc::list_things(options.everybody, things);
    ipc::Users users;
    users.look(things);
    if (options.json) {
        ipc::print_object(things, users, gaps, options);
        return kSuccess;
    }
    ipc::print_list(things, users, options);
    for (const char* gap : {gaps.files, gaps.queues}) {
        if (gap != nullptr) { std::fprintf(stderr, "brood ipc ls: %s\n", gap); }
    }
    if (!users.are_known()) {
        std::fputs("brood ipc ls: who uses them is not known: there is no /proc\n", stderr);
    }
    return kSuccess;
}

}  // namespace tool
