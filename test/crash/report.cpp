#include "report.hpp"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

namespace crash {
namespace {

bool on_terminal() {
    static const bool yes = isatty(2) == 1;
    return yes;
}

// The function and line of an address, if addr2line is there to tell; else file and offset.
void print_place(std::uintptr_t address) {
    Dl_info info = {};
    if (dladdr(reinterpret_cast<const void*>(address), &info) == 0) {
        printf("%#zx", static_cast<std::size_t>(address));
        return;
    }
    const std::size_t offset = address - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    char command[600], line[400] = {};
    snprintf(command, sizeof(command), "addr2line -Cfpse '%s' %#zx 2>&-", info.dli_fname, offset);
    FILE* const answer = popen(command, "r");
    if (answer != nullptr) {
        if (fgets(line, sizeof(line), answer) != nullptr) { line[strcspn(line, "\n")] = '\0'; }
        pclose(answer);
    }
    printf("%#zx %s", offset, line[0] != '\0' && line[0] != '?' ? line : info.dli_fname);
}

}  // namespace

void progress(const char* scene, const char* what, std::size_t done, std::size_t all) {
    if (!on_terminal() || done % 16 != 0) { return; }
    fprintf(stderr, "\r\033[K%s: %s %zu of %zu", scene, what, done, all);
}

void clear_progress() {
    if (on_terminal()) { fprintf(stderr, "\r\033[K"); }
}

void report_fault(const char* scene, const char* what, const Point& point, std::size_t later,
                  Fault fault, const char* complaint) {
    clear_progress();
    printf("  %s: %s, %s: %s\n    at ", scene, what, name_of(fault), complaint);
    if (point.address != 0) {
        print_place(point.address);
    } else {
        printf("asleep");
    }
    printf(", time %u", point.nth);
    if (later > 0) { printf(", %zu instructions later", later); }
    puts("");
    fflush(stdout);
}

}  // namespace crash
