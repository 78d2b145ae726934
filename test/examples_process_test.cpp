// Goal: the examples of processes show what they are there to show.
// Method: each is run as it was built, and what it prints is held against what must be so in every
// order that the processes may run in.
#include "examples_support.hpp"

namespace {

using test::assert_prints;
using test::Shown;

void memory_is_isolated_unless_it_is_a_value(void**) {
    assert_prints(Shown("memory_isolation"),
                  "child: 666, shared 666\n"
                  "parent: 100, shared 666\n");
    assert_prints(Shown("memory_isolation", {}, "zh_CN.UTF-8"),
                  "子进程: 666, 共享 666\n"
                  "父进程: 100, 共享 666\n");
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_isolated_unless_it_is_a_value),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
