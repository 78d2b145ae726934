// The lines of sha256sum: writing them and reading them. Pure: no input, no output.
#ifndef BROOD_TOOLS_SUM_FORMAT_HPP
#define BROOD_TOOLS_SUM_FORMAT_HPP

#include <cstddef>

#include <tools/sha256.hpp>
#include <tools/walk.hpp>

namespace tool {

/// Room for one line about a path of up to kPathBytes: each byte may be escaped with another.
inline constexpr std::size_t kLineBytes = 2 * kPathBytes + 128;

/// How the line of a file looks: as sha256sum's options of these names have it.
struct SumLineStyle {
    bool binary = false;  ///< '*' before the path, in place of a space.
    bool tagged = false;  ///< "SHA256 (PATH) = DIGEST"
    bool zero = false;    ///< NUL in place of the newline, and nothing is escaped.
};

/// Writes "DIGEST  PATH\n" as sha256sum does: a path with a newline, a carriage return or a
/// backslash is escaped, and its line begins with a backslash. Returns the length.
std::size_t format_digest(char (&line)[kLineBytes], const Digest& digest, const char* path,
                          const SumLineStyle& style) noexcept;

/// Writes "PATH: VERDICT\n" as sha256sum -c does: only a path with a newline is escaped.
std::size_t format_verdict(char (&line)[kLineBytes], const char* path,
                           const char* verdict) noexcept;

/// Writes `path` so that it does no harm on a terminal: control characters as \n, \t, \033.
/// Cut off with "..." if it does not fit. Returns `to`.
const char* format_name(char* to, std::size_t room, const char* path) noexcept;

/// Reads the lines of one list, one after the other: sha256sum's own, the "SHA256 (PATH) = DIGEST"
/// of BSD, and the "DIGEST PATH" of old BSD systems with one space, which are told from the first
/// by what the list began with.
class SumLines {
public:
    enum class Kind { entry, nothing, improper };  ///< nothing: a comment or an empty line.

    /// `line`: without its newline; changed by the call. Of an entry: the digest, and the path,
    /// which lies inside `line`, NUL-terminated.
    Kind read(char* line, std::size_t length, Digest& digest, char*& path) noexcept;

private:
    enum class Spaces { unknown, two, one };
    bool read_plain(char* text, Digest& digest, char*& path) noexcept;
    Spaces spaces_ = Spaces::unknown;
};

}  // namespace tool

#endif
