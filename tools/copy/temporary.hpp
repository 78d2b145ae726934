// The names that files have until they are complete.
#ifndef BROOD_TOOLS_COPY_TEMPORARY_HPP
#define BROOD_TOOLS_COPY_TEMPORARY_HPP

#include <cstddef>
#include <cstdint>

#include <tools/walk.hpp>

namespace tool::copy {

/// ".brood-copy-RRRRRRRR-NNNNNNNN" in the folder of the file: R tells runs apart, N the files of a
/// run. Whoever writes one holds a lock on it, which ends with him: so what was left behind can be
/// told from what another run is at.
class Temporary {
public:
    /// Of the file that will be `target`.
    Temporary(const char* target, std::uint32_t run, std::uint32_t number) noexcept;

    const char* path() const noexcept { return path_; }
    /// Makes the file and locks it. What has its name is from an attempt of ours that was killed,
    /// and goes. Returns the descriptor, or -1 (errno is set).
    int create() const noexcept;
    /// Removes it, if it is there.
    void remove() const noexcept;

    static bool is_name(const char* name) noexcept;
    /// Removes from the folder what is so called and nobody holds.
    static void remove_stale(const char* folder) noexcept;

private:
    static constexpr std::size_t kNameBytes = 32;
    char path_[kPathBytes + kNameBytes];
};

/// A number that no other run has, by all likelihood.
std::uint32_t new_run() noexcept;

/// How much of a path names its folder, with the slash.
std::size_t folder_length(const char* path) noexcept;

}  // namespace tool::copy

#endif
