// The command line of `brood study`.
#ifndef BROOD_TOOLS_STUDY_OPTIONS_HPP
#define BROOD_TOOLS_STUDY_OPTIONS_HPP

#include <tools/manual.hpp>

namespace tool {

extern const Manual kStudyManual;
int run_study(int count, char** arguments);

struct StudyOptions {
    bool trace = false;
    const char* timeline = nullptr;  ///< The file to draw into.
    const char* json = nullptr;
    char** program =
        nullptr;  ///< The name of the study and its arguments, null-terminated; or none.
};

Parsed parse_study_options(int count, char** arguments, StudyOptions& options) noexcept;

}  // namespace tool

#endif
