#include <tools/ipc_options.hpp>

#include <getopt.h>

#include <cstdio>
#include <cstring>

namespace tool {
namespace {

constexpr const char* kHelp =
    "Usage: brood ipc stat [--json] NAME\n"
    "\n"
    "Show what a manager with a name (Manager::create_named()) holds: its memory, and each of its\n"
    "objects. The manager goes on meanwhile; each line is how one object was at one moment.\n"
    "\n"
    "  -j, --json     one object, in one line\n"
    "  -h, --help     print this and end\n"
    "  -V, --version  print the version and end\n"
    "\n"
    "NAME begins with '/', as in the program that made it. COUNT are the items of a dict or list,\n"
    "or the elements of an array; BYTES what one that is no container takes; of an object that is\n"
    "not KEPT the memory goes with the thread that made it.\n"
    "\n"
    "Exit status: 0 if all was shown; 1 if there is no such manager, or it cannot be opened, or\n"
    "the usage was wrong.\n";

}  // namespace

Parsed parse_ipc_options(int count, char** arguments, IpcOptions& options) noexcept {
    static constexpr option kNames[] = {
        {"json", no_argument, nullptr, 'j'},
        {"help", no_argument, nullptr, 'h'},
        {"version", no_argument, nullptr, 'V'},
        {nullptr, 0, nullptr, 0},
    };
    int letter = 0;
    while ((letter = getopt_long(count, arguments, "jhV", kNames, nullptr)) != -1) {
        switch (letter) {
            case 'j': options.json = true; break;
            case 'h': std::fputs(kHelp, stdout); return Parsed::finished;
            case 'V': return print_version();
            default: return refuse_usage("ipc");  // getopt_long() has said what is wrong.
        }
    }
    if (optind == count || std::strcmp(arguments[optind], "stat") != 0) {
        const char* const given = optind == count ? "nothing" : arguments[optind];
        std::fprintf(stderr, "brood ipc: say what to do: 'stat', not %s\n", given);
        return refuse_usage("ipc");
    }
    if (optind + 2 != count) {
        std::fputs("brood ipc stat: give it one name of a manager\n", stderr);
        return refuse_usage("ipc");
    }
    options.name = arguments[optind + 1];
    return Parsed::run;
}

}  // namespace tool
