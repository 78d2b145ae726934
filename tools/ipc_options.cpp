#include <tools/ipc_options.hpp>

#include <cstdio>
#include <iterator>

namespace tool {
namespace {

constexpr Option kOptions[] = {{'j', "json", nullptr, "one object, in one line"}};

}  // namespace

extern const Manual kIpcStatManual = {
    "ipc stat",
    "what a manager with a name holds",
    "[--json] NAME",
    "Show what a manager with a name (Manager::create_named()) holds: its memory, and each of its "
    "objects. The manager goes on meanwhile; each line is how one object was at one moment.",
    kOptions,
    std::size(kOptions),
    "NAME begins with '/', as in the program that made it. COUNT are the items of a dict or list, "
    "or the elements of an array; BYTES what one that is no container takes; of an object that is "
    "not KEPT the memory goes with the thread that made it.",
    "0 if all was shown; 1 if there is no such manager, or it cannot be opened, or the usage was "
    "wrong.",
    Operands::objects,
    false,
};

Parsed parse_ipc_options(int count, char** arguments, IpcOptions& options) noexcept {
    int first = 0;
    const Parsed parsed =
        parse_options(kIpcStatManual, count, arguments, first, [&](const Given& given) {
            options.json = given.key() == 'j';
            return true;
        });
    if (parsed != Parsed::run) { return parsed; }
    if (first + 1 != count) {
        std::fputs("brood ipc stat: give it one name of a manager\n", stderr);
        return refuse_usage("ipc stat");
    }
    options.name = arguments[first];
    return Parsed::run;
}

}  // namespace tool
