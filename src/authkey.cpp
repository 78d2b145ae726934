// The key by which processes of one program know each other: made once, and inherited.
#include <brood/process.hpp>

#include "self.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

// All of the page goes with it: a core dump then lacks a few of our variables, too.
void hide_page_of(void* address) noexcept {
    const std::size_t page = port::page_bytes();
    unsigned char* const at = static_cast<unsigned char*>(address);
    port::hide_from_dumps(at - reinterpret_cast<std::uintptr_t>(at) % page, page);
}

}  // namespace
}  // namespace detail

namespace this_process {

Result<AuthKey> authkey() noexcept {
    detail::Self& self = detail::self();
    if (!self.has_key) {
        unsigned char random[AuthKey::capacity()];
        const Status made = port::random_bytes(random, sizeof random);
        if (!made.ok()) { return made.error(); }
        authkey(*AuthKey::from(random, sizeof random));
    }
    return self.key;
}

void authkey(const AuthKey& key) noexcept {
    detail::hide_page_of(&detail::self().key);
    detail::self().key = key;
    detail::self().has_key = true;
}

}  // namespace this_process

void detail::make_authkey() noexcept {
    static_cast<void>(this_process::authkey());
}

AuthKey Process::authkey() const noexcept {
    return has_key_ ? key_ : this_process::authkey().value_or(AuthKey());
}

Status Process::authkey(const AuthKey& key) noexcept {
    if (epoch_ != detail::fork_epoch()) { return Errc::wrong_process; }
    if (state_ != State::fresh) { return Errc::already_started; }
    key_ = key;
    has_key_ = true;
    return Errc::ok;
}

}  // namespace v0
}  // namespace brood
