#include <brood/this_process.hpp>

#include "children.hpp"
#include "deadline.hpp"
#include "self.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

Self g_self;

// Python's exit status for output that could not be flushed.
constexpr int kFlushFailed = 120;

}  // namespace

Self& self() noexcept {
    return g_self;
}

void end_child(int code) noexcept {
    end_children();
    end_daemon(code);
}

void end_daemon(int code) noexcept {
    if (!port::flush_streams() && code == 0) { code = kFlushFailed; }
    port::exit_now(code);
}

}  // namespace detail

namespace this_process {

std::int32_t id() noexcept {
    return port::process_id();
}

std::int32_t parent_id() noexcept {
    return port::parent_id();
}

const char* name() noexcept {
    const detail::Self& self = detail::self();
    return self.name.empty() ? "MainProcess" : self.name.c_str();
}

const char* parent_name() noexcept {
    const detail::Self& self = detail::self();
    return self.is_child ? self.parent_name.c_str() : nullptr;
}

std::int32_t parent_process() noexcept {
    return detail::self().parent;
}

bool is_daemon() noexcept {
    return detail::self().is_daemon;
}

void exit(int code, const char* text) noexcept {
    if (text != nullptr) {
        static_cast<void>(port::flush_streams());
        std::size_t length = 0;
        while (text[length] != '\0') { ++length; }
        port::print_error(text, length);
        port::print_error("\n", 1);
    }
    if (detail::self().is_child) { detail::end_child(code); }
    detail::end_children();
    port::exit_program(code);
}

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
    detail::self().key = key;
    detail::self().has_key = true;
}

Status sleep(Timeout duration) noexcept {
    const Result<std::int64_t> deadline = detail::deadline_of(duration);
    if (!deadline.ok()) { return deadline.error(); }
    if (!duration.is_no_wait()) { port::sleep_until(*deadline); }
    return Errc::ok;
}

void close_all_but(const int* keep, std::size_t count) noexcept {
    port::close_all_but(keep, count);
}

}  // namespace this_process

std::uint32_t cpu_count() noexcept {
    return port::usable_cpus();
}

}  // namespace v0
}  // namespace brood
