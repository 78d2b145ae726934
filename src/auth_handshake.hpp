// The handshake of Python's multiprocessing.connection: each side proves to the other that it has
// the key. Pure: no input, no output, no clock, no chance.
#ifndef BROOD_SRC_AUTH_HANDSHAKE_HPP
#define BROOD_SRC_AUTH_HANDSHAKE_HPP

#include <cstddef>
#include <cstdint>

#include <brood/error.hpp>

#include "auth_secret.hpp"
#include "frame_header.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

struct AuthRules {
    const unsigned char* key;
    std::size_t key_bytes;
    bool allow_legacy;  // MD5, as Python before 3.12 has it
};

/// One side of a handshake. The challenger sends "#CHALLENGE#{sha256}" and 40 random bytes, the
/// other "{sha256}" and the digest of what followed "#CHALLENGE#", and the challenger "#WELCOME#"
/// or "#FAILURE#"; then the other way round. The listener challenges first. Python before 3.12
/// sends 20 bytes without a prefix, and answers anything by 16 bytes of MD5.
///
/// Memory: 400 bytes, whatever the peer sends. Zeroed memory may begin().
class Handshake {
public:
    enum class Side : std::uint8_t { listener, client };
    enum class Wants : std::uint8_t { nothing, to_read, to_write };
    static constexpr std::size_t kRandomBytes = 40;
    static constexpr std::size_t kMessageBytesMax = 256;

    /// `random`: kRandomBytes that nobody can know.
    void begin(Side side, const unsigned char* random) noexcept;
    /// What comes next; nothing: the outcome() is known.
    Wants wants() const noexcept { return wants_; }
    /// ok: the peer has the key. not_authenticated, legacy_refused: it has not, or will not prove
    /// it as the rules want it. Only when it wants nothing.
    Errc outcome() const noexcept { return outcome_; }

    /// What is to be written.
    const unsigned char* output() const noexcept { return out_ + out_at_; }
    std::size_t output_bytes() const noexcept { return out_end_ - out_at_; }
    void wrote(std::size_t bytes) noexcept;

    /// Where to put what is read, and how much of it at most: none of what follows the handshake.
    unsigned char* input() noexcept { return in_ + in_at_; }
    std::size_t input_bytes() const noexcept { return in_end_ - in_at_; }
    void read(std::size_t bytes, const AuthRules& rules) noexcept;

private:
    enum class Step : std::uint8_t { challenge, response, verdict, be_asked, answer, be_told };

    void go_to(Step step) noexcept;
    void end(Errc outcome) noexcept;
    void expect_frame() noexcept;
    void put(const void* bytes, std::size_t count) noexcept;
    void finish_frame() noexcept;
    void take_message(const unsigned char* message, std::size_t bytes,
                      const AuthRules& rules) noexcept;
    Errc check_response(const unsigned char* message, std::size_t bytes,
                        const AuthRules& rules) const noexcept;
    Errc answer(const unsigned char* message, std::size_t bytes, const AuthRules& rules) noexcept;

    static constexpr std::size_t kChallengeBytes = 8 + kRandomBytes;  // with "{sha256}"
    Side side_;
    Wants wants_;
    Step step_;
    Errc outcome_;
    std::uint16_t in_at_, in_end_, out_at_, out_end_;
    unsigned char challenge_[kChallengeBytes];
    unsigned char out_[kHeaderBytes + 11 + kChallengeBytes];
    unsigned char in_[kHeaderBytes + kMessageBytesMax];
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
