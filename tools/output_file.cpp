#include <tools/output_file.hpp>

#include <cerrno>
#include <cstring>

namespace tool {

bool OutputFile::open(const char* path) noexcept {
    path_ = path;
    if (path == nullptr) { return true; }
    file_ = std::fopen(path, "we");
    return file_ != nullptr || complain();
}

bool OutputFile::close() noexcept {
    std::FILE* const file = file_;
    file_ = nullptr;
    if (file == nullptr) { return true; }
    const bool arrived = std::ferror(file) == 0;
    return (std::fclose(file) == 0 && arrived) || complain();
}

bool OutputFile::complain() const noexcept {
    std::fprintf(stderr, "%s: %s: %s\n", command_, path_, std::strerror(errno));
    return false;
}

}  // namespace tool
