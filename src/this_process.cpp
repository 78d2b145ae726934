#include <brood/this_process.hpp>

#include "children.hpp"
#include "deadline.hpp"
#include "self.hpp"
#include "writer.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

ProcessState g_process;

namespace {

// Python's exit status for output that could not be flushed.
constexpr int kFlushFailed = 120;

void end_in_order() noexcept {
    if (end_membership != nullptr) { end_membership(); }
}

}  // namespace

void write_child_identity(Writer& writer, std::uint32_t number) noexcept {
    const Self& me = self();
    if (me.identity[0] != '\0') { writer.text(me.identity).text(":"); }
    writer.number(number);
}

void become_child(port::Pid parent, bool is_daemon) noexcept {
    Self& me = self();
    Writer(me.parent_name, sizeof me.parent_name).text(this_process::name());
    me.parent = parent;
    me.is_child = true;
    me.is_daemon = is_daemon;
    me.children = 0;
}

void end_child(int code) noexcept {
    end_in_order();
    end_children();
    end_daemon(code);
}

void end_daemon(int code) noexcept {
    end_in_order();
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
    return self.name[0] == '\0' ? "MainProcess" : self.name;
}

const char* parent_name() noexcept {
    const detail::Self& self = detail::self();
    return self.is_child ? self.parent_name : nullptr;
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
    detail::end_in_order();
    detail::end_children();
    port::exit_program(code);
}

Status sleep(Timeout duration) noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(duration);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (!duration.is_no_wait()) { port::sleep_until(deadline_ns); }
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
