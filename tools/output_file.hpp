// A file that a subcommand writes beside its output.
#ifndef BROOD_TOOLS_OUTPUT_FILE_HPP
#define BROOD_TOOLS_OUTPUT_FILE_HPP

#include <cstdio>

namespace tool {

/// Says on standard error, after the name of the command ("brood study"), what went wrong.
class OutputFile {
public:
    explicit OutputFile(const char* command) noexcept : command_(command) {}
    ~OutputFile() {
        if (file_ != nullptr) { std::fclose(file_); }
    }
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    /// Made anew, or emptied. null: none is wanted.
    bool open(const char* path) noexcept;
    std::FILE* file() const noexcept { return file_; }
    /// Whether all of it has arrived.
    bool close() noexcept;

private:
    bool complain() const noexcept;

    const char* command_;
    const char* path_ = nullptr;
    std::FILE* file_ = nullptr;
};

}  // namespace tool

#endif
