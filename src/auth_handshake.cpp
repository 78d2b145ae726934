#include "auth_handshake.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

struct Word {
    const char* text;
    std::size_t bytes;
};
template <std::size_t N>
constexpr Word word(const char (&text)[N]) noexcept {
    return {text, N - 1};
}
constexpr Word kChallenge = word("#CHALLENGE#"), kWelcome = word("#WELCOME#");
constexpr Word kFailure = word("#FAILURE#");

// In the order of Mac.
constexpr Word kPrefixes[] = {word("{sha256}"), word("{md5}")};
constexpr const Word& prefix_of(Mac mac) noexcept {
    return kPrefixes[static_cast<unsigned>(mac)];
}

// What tells Python before 3.12: the lengths of its challenges and of its answers.
constexpr std::size_t kLegacyChallengeBytes = 20, kLegacyResponseBytes = 16;

bool begins_with(const unsigned char* message, std::size_t bytes, const Word& with) noexcept {
    return bytes >= with.bytes && __builtin_memcmp(message, with.text, with.bytes) == 0;
}

// By which digest a message is to be answered, or was: by its prefix.
struct Form {
    Errc refused;
    Mac mac;
    bool has_prefix;
};
Form form_of(const unsigned char* message, std::size_t bytes, std::size_t legacy_bytes,
             const AuthRules& rules) noexcept {
    if (bytes != legacy_bytes && begins_with(message, bytes, prefix_of(Mac::sha256))) {
        return {Errc::ok, Mac::sha256, true};
    }
    const bool is_bare = bytes == legacy_bytes;
    const bool is_md5 = is_bare || begins_with(message, bytes, prefix_of(Mac::md5));
    if (!is_md5) { return {Errc::not_authenticated, Mac::md5, false}; }
    return {rules.allow_legacy ? Errc::ok : Errc::legacy_refused, Mac::md5, !is_bare};
}

}  // namespace

void Handshake::begin(Side side, const unsigned char* random) noexcept {
    const Word& prefix = prefix_of(Mac::sha256);
    __builtin_memcpy(challenge_, prefix.text, prefix.bytes);
    __builtin_memcpy(challenge_ + prefix.bytes, random, kRandomBytes);
    side_ = side;
    outcome_ = Errc::ok;
    go_to(side == Side::listener ? Step::challenge : Step::be_asked);
}

void Handshake::go_to(Step step) noexcept {
    step_ = step;
    switch (step) {
        case Step::challenge:
            out_end_ = kHeaderBytes;
            put(kChallenge.text, kChallenge.bytes);
            put(challenge_, sizeof(challenge_));
            return finish_frame();
        case Step::verdict: {
            const Word& verdict = outcome_ == Errc::ok ? kWelcome : kFailure;
            out_end_ = kHeaderBytes;
            put(verdict.text, verdict.bytes);
            return finish_frame();
        }
        case Step::answer: return finish_frame();
        case Step::response:
        case Step::be_asked:
        case Step::be_told: return expect_frame();
    }
}

void Handshake::end(Errc outcome) noexcept {
    outcome_ = outcome;
    wants_ = Wants::nothing;
    in_at_ = in_end_ = out_at_ = out_end_ = 0;
}

void Handshake::expect_frame() noexcept {
    in_at_ = 0;
    in_end_ = kHeaderBytes;
    wants_ = Wants::to_read;
}

void Handshake::put(const void* bytes, std::size_t count) noexcept {
    __builtin_memcpy(out_ + out_end_, bytes, count);
    out_end_ = static_cast<std::uint16_t>(out_end_ + count);
}

void Handshake::finish_frame() noexcept {
    put_header(out_, static_cast<std::int32_t>(out_end_ - kHeaderBytes));
    out_at_ = 0;
    wants_ = Wants::to_write;
}

void Handshake::wrote(std::size_t bytes) noexcept {
    out_at_ = static_cast<std::uint16_t>(out_at_ + bytes);
    if (out_at_ < out_end_) { return; }
    switch (step_) {
        case Step::challenge: return go_to(Step::response);
        case Step::answer: return go_to(Step::be_told);
        default: break;  // The verdict.
    }
    const bool goes_on = outcome_ == Errc::ok && side_ == Side::listener;
    if (goes_on) { return go_to(Step::be_asked); }
    end(outcome_);
}

void Handshake::read(std::size_t bytes, const AuthRules& rules) noexcept {
    in_at_ = static_cast<std::uint16_t>(in_at_ + bytes);
    if (in_at_ < in_end_) { return; }
    if (in_end_ == kHeaderBytes) {
        const std::uint64_t length = big_endian(in_, kHeaderBytes);
        // As Python, which says so by closing; and no message here is empty.
        if (length == 0 || length > kMessageBytesMax) { return end(Errc::not_authenticated); }
        in_end_ = static_cast<std::uint16_t>(kHeaderBytes + length);
        return;
    }
    take_message(in_ + kHeaderBytes, in_end_ - kHeaderBytes, rules);
}

void Handshake::take_message(const unsigned char* message, std::size_t bytes,
                             const AuthRules& rules) noexcept {
    if (step_ == Step::response) {
        outcome_ = check_response(message, bytes, rules);
        return go_to(Step::verdict);
    }
    if (step_ == Step::be_asked) {
        const Errc answered = answer(message, bytes, rules);
        return answered == Errc::ok ? go_to(Step::answer) : end(answered);
    }
    const bool is_welcome = bytes == kWelcome.bytes && begins_with(message, bytes, kWelcome);
    if (!is_welcome) { return end(Errc::not_authenticated); }
    if (side_ == Side::client) { return go_to(Step::challenge); }
    end(Errc::ok);
}

Errc Handshake::check_response(const unsigned char* message, std::size_t bytes,
                               const AuthRules& rules) const noexcept {
    const Form form = form_of(message, bytes, kLegacyResponseBytes, rules);
    if (form.refused != Errc::ok) { return form.refused; }
    const std::size_t prefix = form.has_prefix ? prefix_of(form.mac).bytes : 0;
    if (bytes != prefix + bytes_of(form.mac)) { return Errc::not_authenticated; }
    unsigned char wanted[kMacBytesMax];
    make_mac(form.mac, rules.key, rules.key_bytes, challenge_, sizeof(challenge_), wanted);
    const bool is_right = is_same_secret(message + prefix, wanted, bytes_of(form.mac));
    wipe(wanted, sizeof(wanted));  // It would authenticate.
    return is_right ? Errc::ok : Errc::not_authenticated;
}

// Writes the response into out_, but for its header.
Errc Handshake::answer(const unsigned char* message, std::size_t bytes,
                       const AuthRules& rules) noexcept {
    if (!begins_with(message, bytes, kChallenge)) { return Errc::not_authenticated; }
    message += kChallenge.bytes;
    bytes -= kChallenge.bytes;
    if (bytes < kLegacyChallengeBytes) { return Errc::not_authenticated; }  // Too few to be chance.
    const Form form = form_of(message, bytes, kLegacyChallengeBytes, rules);
    if (form.refused != Errc::ok) { return form.refused; }
    unsigned char mac[kMacBytesMax];
    make_mac(form.mac, rules.key, rules.key_bytes, message, bytes, mac);
    out_end_ = kHeaderBytes;
    if (form.has_prefix) { put(prefix_of(form.mac).text, prefix_of(form.mac).bytes); }
    put(mac, bytes_of(form.mac));
    return Errc::ok;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
