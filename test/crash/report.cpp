#include "report.hpp"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "../shared_pages.hpp"

namespace crash {
namespace {

bool on_terminal() {
    static const bool yes = isatty(2) == 1;
    return yes;
}

// The function and line of an address, if addr2line is there to tell; else file and offset.
std::string place_of(std::uintptr_t address) {
    Dl_info info = {};
    char text[1100], line[400] = {};
    if (dladdr(reinterpret_cast<const void*>(address), &info) == 0) {
        snprintf(text, sizeof(text), "%#zx", static_cast<std::size_t>(address));
        return text;
    }
    const std::size_t offset = address - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    snprintf(text, sizeof(text), "addr2line -Cfpse '%s' %#zx 2>&-", info.dli_fname, offset);
    FILE* const answer = popen(text, "r");
    if (answer != nullptr) {
        if (fgets(line, sizeof(line), answer) != nullptr) { line[strcspn(line, "\n")] = '\0'; }
        pclose(answer);
    }
    const char* const place = line[0] != '\0' && line[0] != '?' ? line : info.dli_fname;
    snprintf(text, sizeof(text), "%#zx %s", offset, place);
    return text;
}

// What was reported by all processes, one behind the other; more than fits is only said once.
struct Ledger {
    std::atomic<std::size_t> used;
    char text[64 * 1024];
};
Ledger* ledger = nullptr;

}  // namespace

void progress(const char* scene, const char* what, std::size_t done, std::size_t all) {
    if (!on_terminal() || done % 16 != 0) { return; }
    fprintf(stderr, "\r\033[K%s: %s %zu of %zu", scene, what, done, all);
}

void clear_progress() {
    if (on_terminal()) { fprintf(stderr, "\r\033[K"); }
}

void open_ledger() {
    ledger = static_cast<Ledger*>(test::shared_pages(sizeof(Ledger)));
}

void report_fault(const char* scene, const char* what, const Point& point, std::size_t later,
                  Fault fault, const char* complaint, const char* picture) {
    const std::string place = point.address != 0 ? place_of(point.address) : "asleep";
    const std::string after = later > 0 ? ", " + std::to_string(later) + " instructions later"
                                        : std::string();
    const std::string text = std::string("  ") + scene + ": " + what + ", " + name_of(fault) +
                             ": " + complaint + "\n    at " + place + ", time " +
                             std::to_string(point.nth) + after + picture + "\n";
    clear_progress();
    fputs(text.c_str(), stdout);
    fflush(stdout);
    const std::size_t at = ledger->used.fetch_add(text.size());
    if (at + text.size() < sizeof(ledger->text)) {
        memcpy(ledger->text + at, text.data(), text.size());
    }
}

void repeat_reports() {
    if (ledger->used.load() != 0) { printf("what was found:\n%s", ledger->text); }
}

}  // namespace crash
