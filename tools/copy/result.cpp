#include <tools/copy/result.hpp>

#include <errno.h>

#include <cstdio>
#include <cstring>

#include <tools/sum_format.hpp>

namespace tool::copy {
namespace {

void complain_of_error(Output& output, const char* source, const char* target, Kind kind,
                       const Outcome& outcome) noexcept {
    if (kind == Kind::link && !outcome.at_target) {
        return output.complain(target, "its other name was not copied");
    }
    if (outcome.at_target && outcome.error == EISDIR) {
        return output.complain(target, "there is a folder, which a file does not replace");
    }
    output.complain(outcome.at_target ? target : source, outcome.error);
}

}  // namespace

void complain_of(Output& output, const char* source, const char* target, Kind kind,
                 const Outcome& outcome) noexcept {
    char name[kLineBytes];
    switch (outcome.end) {
        case Outcome::End::died: return output.complain_of_death(source, outcome.error);
        case Outcome::End::replaced: return output.complain(source, "no longer what it was");
        case Outcome::End::changed:
            return output.complain(source, "changed while it was copied; not copied");
        case Outcome::End::different:
            return output.complain(target, "read back, it is not its source; not copied");
        case Outcome::End::socket:
            return output.warn("%s: a socket; not copied", format_name(name, 400, source));
        default: return complain_of_error(output, source, target, kind, outcome);
    }
}

void print_copied(Output& output, const char* source, const char* target) noexcept {
    char line[2 * kLineBytes];
    char* const end = line + sizeof line;
    char* at = line;
    const auto add = [&](const char* text) {
        at += std::snprintf(at, static_cast<std::size_t>(end - at), "%s", text);
    };
    format_name(at, kLineBytes - 8, source);
    at += std::strlen(at);
    add(" -> ");
    format_name(at, kLineBytes - 8, target);
    at += std::strlen(at);
    add("\n");
    output.write(line, static_cast<std::size_t>(at - line));
}

}  // namespace tool::copy
