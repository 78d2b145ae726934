// Goal: each program in tools/examples shows what it is there to show.
// Method: it is run as it was built, beside the tests, and all of its output is compared.
#include "support.hpp"

#include <stdio.h>

#include <brood/exec.hpp>

namespace {

// What the example prints: build/.../test/examples_test stands beside build/.../tools/examples/.
void assert_prints(const char* example, const char* wanted) {
    char path[PATH_MAX + 64];
    (void)snprintf(path, sizeof(path), "%s", test::own_path());
    for (int levels = 0; levels < 2; ++levels) { *strrchr(path, '/') = '\0'; }
    const std::size_t end = strlen(path);
    (void)snprintf(path + end, sizeof(path) - end, "/tools/examples/%s", example);

    const char* const arguments[] = {"/bin/sh", "-c", test::kRunAsTests, path, nullptr};
    char output[4096];
    const auto got = brood::capture(arguments[0], arguments, output, sizeof(output) - 1,
                                    brood::ExecOptions(), brood::milliseconds(test::kPatienceMs));
    test::assert_ok(got);
    output[got->bytes] = '\0';
    assert_string_equal(output, wanted);
    assert_int_equal(got->exit_code, 0);
}

void memory_is_isolated_unless_it_is_a_value(void**) {
    assert_prints("memory_isolation",
                  "child: 666, shared 666\n"
                  "parent: 100, shared 666\n");
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_isolated_unless_it_is_a_value),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
