// Leaves out the tests that the file BROOD_EXCLUDE names, such as what qemu-user cannot do. It sits
// between every test program and CMocka (the linker's --wrap), so that no test need know of it.
//
// The lines of the file are "program/test reason"; each that applies is printed as not run.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern "C" {
int __real__cmocka_run_group_tests(const char* group, const CMUnitTest* tests, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down);
int __wrap__cmocka_run_group_tests(const char* group, const CMUnitTest* tests, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down);
}

namespace {

// Whether `line` is about the test, which is then reported as not run.
bool excludes(const char* line, const char* test) {
    char name[256];
    const int length = snprintf(name, sizeof name, "%s/%s ", program_invocation_short_name, test);
    if (strncmp(line, name, static_cast<size_t>(length)) != 0) { return false; }
    print_message("not run: %s: %s", test, line + length);
    return true;
}

bool is_excluded(FILE* list, const char* test) {
    char line[512];
    rewind(list);
    while (fgets(line, sizeof line, list) != nullptr) {
        if (excludes(line, test)) { return true; }
    }
    return false;
}

}  // namespace

int __wrap__cmocka_run_group_tests(const char* group, const CMUnitTest* tests, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down) {
    const char* const path = getenv("BROOD_EXCLUDE");
    FILE* const list = path != nullptr ? fopen(path, "re") : nullptr;
    if (list == nullptr) {
        return __real__cmocka_run_group_tests(group, tests, count, set_up, tear_down);
    }
    auto* const kept = static_cast<CMUnitTest*>(calloc(count, sizeof(CMUnitTest)));
    size_t kept_count = 0;
    for (size_t i = 0; i < count && kept != nullptr; ++i) {
        if (!is_excluded(list, tests[i].name)) { kept[kept_count++] = tests[i]; }
    }
    fclose(list);
    const int failures = __real__cmocka_run_group_tests(group, kept, kept_count, set_up, tear_down);
    free(kept);
    return failures;
}
