// What the tests of `brood copy` share: running it, and comparing trees with all that they have.
#ifndef BROOD_TEST_COPY_SUPPORT_HPP
#define BROOD_TEST_COPY_SUPPORT_HPP

#include "sum_host_support.hpp"

namespace test {

/// `brood copy ARGUMENTS`: its exit status. Output goes to "found", errors to "errors".
inline int copy(const char* arguments) {
    char script[2048];
    snprintf(script, sizeof script, "exec $BROOD copy %s > found 2> errors", arguments);
    return run_script(script);
}

/// It must end well and say nothing.
inline void assert_copies(const char* arguments) {
    const int status = copy(arguments);
    const Contents errors("errors");
    if (status != 0 || errors.bytes() != 0) { fail_msg("status %d:\n%s", status, errors.text()); }
}

/// It must be refused in these words and do nothing: `tree` stays as it is.
inline void assert_refuses(const char* arguments, const char* words, const char* tree = ".") {
    char list[256];
    snprintf(list, sizeof list,
             "find %s ! -name found ! -name errors ! -name 'list.*' ! -name . -printf"
             " '%%p %%y %%m %%s %%T@\\n' | sort > list.",
             tree);
    char before[300], after[300];
    snprintf(before, sizeof before, "%sbefore", list);
    snprintf(after, sizeof after, "%safter", list);
    prepare(before);
    assert_int_equal(copy(arguments), 1);
    assert_has("errors", words);
    prepare(after);
    assert_same_files("list.after", "list.before");
}

/// Both trees hold the same: names, kinds, modes, owners, times, sizes, links, contents, and which
/// names are of one file.
inline void assert_same_trees(const char* found, const char* wanted) {
    char script[2048];
    snprintf(script, sizeof script,
             "list() { (cd $1 && find . -printf '%%P %%y %%m %%U:%%G %%T@ %%l\\n' | sort &&"
             " find . ! -type d -printf '%%P %%s %%n\\n' | sort &&"
             " find . -type f -print0 | sort -z | xargs -0 -r sha256sum &&"
             " find . -type f -links +1 -printf '%%i %%P\\n' | sort -k 2 |"
             " awk '!($1 in first) {first[$1] = $2} {print $2, first[$1]}'); };"
             " list %s > list.found && list %s > list.wanted && cmp list.found list.wanted ||"
             " { diff list.found list.wanted; false; }",
             found, wanted);
    if (run_script(script) != 0) { fail_msg("%s is not as %s", found, wanted); }
}

/// No file has the name that it has before it is complete.
inline void assert_nothing_left(const char* folder) {
    char script[256];
    snprintf(script, sizeof script, "! find %s -name '.brood-copy-*' | grep .", folder);
    if (run_script(script) != 0) { fail_msg("something is left in %s", folder); }
}

}  // namespace test

#endif
