// The arguments of `brood run`, read as they are needed.
#ifndef BROOD_TOOLS_RUN_ARGUMENTS_HPP
#define BROOD_TOOLS_RUN_ARGUMENTS_HPP

#include <cstddef>
#include <cstdint>

namespace tool::run {

class Arguments {
public:
    enum class Next {
        item,    ///< There is one.
        wait,    ///< Not yet: poll fd(), then read().
        end,     ///< There is none any more.
        failed,  ///< Nor that: what is wrong has been said.
    };

    /// null, "-": standard input. False: it cannot be opened, which has been said.
    bool open(const char* path, bool by_nul) noexcept;
    /// The next argument, which stays where it is until the next call.
    Next next(const char*& item) noexcept;
    /// Reads once, which does not block if fd() polls ready.
    void read() noexcept;
    int fd() const noexcept { return fd_; }

private:
    Next complain(const char* what) noexcept;

    /// No system takes longer ones: Linux 128 KiB.
    static constexpr std::size_t kItemMax = 256 * 1024;
    const char* path_ = nullptr;
    int fd_ = -1;
    char delimiter_ = '\n';
    bool at_end_ = false, failed_ = false;
    std::uint64_t count_ = 0;
    std::size_t begin_ = 0, searched_ = 0, end_ = 0;
    char text_[kItemMax + 1];
};

}  // namespace tool::run

#endif
