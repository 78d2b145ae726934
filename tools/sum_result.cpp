#include <tools/sum_result.hpp>

#include <cstdio>

#include <brood/signals.hpp>

namespace tool {

void complain_of(Output& output, const FileResult& result) noexcept {
    char text[80];
    switch (result.state) {
        case FileState::replaced: return output.complain(result.path, "no longer a regular file");
        case FileState::died:
            if (result.error < 0) {
                std::snprintf(text, sizeof text, "worker died (%s) twice",
                              brood::signals::name(-result.error));
            } else {
                std::snprintf(text, sizeof text, "worker died (exit code %d) twice", result.error);
            }
            return output.complain(result.path, text);
        default: return output.complain(result.path, result.error);
    }
}

}  // namespace tool
