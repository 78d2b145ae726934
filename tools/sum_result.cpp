#include <tools/sum_result.hpp>

namespace tool {

void complain_of(Output& output, const FileResult& result) noexcept {
    switch (result.state) {
        case FileState::replaced: return output.complain(result.path, "no longer a regular file");
        case FileState::died: return output.complain_of_death(result.path, result.error);
        default: return output.complain(result.path, result.error);
    }
}

}  // namespace tool
