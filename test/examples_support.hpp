// What the tests of examples share: one is run as it was built, and its lines are read.
#ifndef BROOD_TEST_EXAMPLES_SUPPORT_HPP
#define BROOD_TEST_EXAMPLES_SUPPORT_HPP

#include "support.hpp"

#include <initializer_list>

#include <brood/exec.hpp>

namespace test {

/// How long the time of examples takes, as a share of what it takes in the notes.
inline constexpr const char* kPace = "0.01";

/// Where an example is: build/.../test/examples_test stands beside build/.../tools/examples/.
class ExamplePath {
public:
    explicit ExamplePath(const char* example) {
        (void)snprintf(path_, sizeof(path_), "%s", own_path());
        for (int levels = 0; levels < 2; ++levels) { *strrchr(path_, '/') = '\0'; }
        const std::size_t end = strlen(path_);
        (void)snprintf(path_ + end, sizeof(path_) - end, "/tools/examples/%s", example);
    }
    const char* c_str() const { return path_; }

private:
    char path_[PATH_MAX + 64];
};

/// What an example has printed, on standard error too, line by line.
class Shown {
public:
    static constexpr std::size_t kLinesMax = 512;

    /// Runs it with up to three arguments, in `language`, and its time `pace` times as long.
    explicit Shown(const char* example, std::initializer_list<const char*> arguments = {},
                   const char* language = "C", const char* pace = kPace) {
        (void)unsetenv("LC_ALL");
        (void)unsetenv("LC_MESSAGES");
        (void)setenv("LANG", language, 1);
        (void)setenv("BROOD_PACE", pace, 1);
        const ExamplePath path(example);
        const char* argv[8] = {"/bin/sh", "-c", kRunAsTests, path.c_str()};
        assert_true(arguments.size() < 4);
        std::size_t used = 4;
        for (const char* const argument : arguments) { argv[used++] = argument; }

        const auto got = brood::capture(argv[0], argv, text_, sizeof(text_) - 1,
                                        brood::ExecOptions().group(),
                                        brood::milliseconds(kPatienceMs));
        assert_ok(got);
        assert_false(got->truncated);
        text_[got->bytes] = '\0';
        exit_code_ = got->exit_code;
        memcpy(cut_, text_, got->bytes + 1);
        char* rest = nullptr;
        for (char* at = strtok_r(cut_, "\n", &rest); at; at = strtok_r(nullptr, "\n", &rest)) {
            assert_true(count_ < kLinesMax);
            lines_[count_++] = at;
        }
    }

    int exit_code() const { return exit_code_; }
    const char* text() const { return text_; }
    /// Lines that are not empty.
    std::size_t size() const { return count_; }
    const char* operator[](std::size_t index) const {
        assert_true(index < count_);
        return lines_[index];
    }
    const char* const* begin() const { return lines_; }
    const char* const* end() const { return lines_ + count_; }

    /// How many lines contain `part`.
    std::size_t count(const char* part) const {
        std::size_t found = 0;
        for (const char* const line : *this) { found += strstr(line, part) != nullptr ? 1 : 0; }
        return found;
    }
    /// Where the one line is that contains `part`, a printf() format; fails the test, with all that
    /// was printed, if there is none, or another.
    __attribute__((format(printf, 2, 3))) std::size_t find(const char* part, ...) const {
        char wanted[256];
        va_list values;
        va_start(values, part);
        (void)vsnprintf(wanted, sizeof(wanted), part, values);
        va_end(values);
        if (count(wanted) != 1) {
            for (const char* const line : *this) { print_error("%s\n", line); }
            fail_msg("%zu lines have '%s'", count(wanted), wanted);
        }
        std::size_t index = 0;
        while (strstr(lines_[index], wanted) == nullptr) { ++index; }
        return index;
    }

private:
    char text_[16384], cut_[16384];
    const char* lines_[kLinesMax] = {};
    std::size_t count_ = 0;
    int exit_code_ = 0;
};

/// Fails the test unless the example, in Chinese, prints each of these texts of the notes.
inline void assert_says_in_chinese(const char* example, std::initializer_list<const char*> texts) {
    const Shown shown(example, {}, "zh_CN.UTF-8");
    assert_int_equal(shown.exit_code(), 0);
    for (const char* const text : texts) {
        if (shown.count(text) == 0) { fail_msg("'%s' is not in: %s", text, shown.text()); }
    }
}

/// Fails the test unless the example prints this, and ends well.
inline void assert_prints(const Shown& shown, const char* wanted) {
    assert_string_equal(shown.text(), wanted);
    assert_int_equal(shown.exit_code(), 0);
}

}  // namespace test

#endif
