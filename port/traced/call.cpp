#include "call.hpp"

#include <string.h>

#include "count.hpp"

// glibc 2.32 and later.
extern "C" const char* strerrorname_np(int) noexcept __attribute__((weak));

namespace traced {

std::atomic<unsigned long> g_calls_made{0};

std::uint64_t calls_made() noexcept {
    return g_calls_made.load(std::memory_order_relaxed);
}

Call::Call(const Shape& shape, const long* arguments) noexcept
    : shape_(shape), arguments_(arguments), begun_(now()) {
    if (!shape.waits) { return; }
    Line line(begun_);
    show(line, false);
    line.text(" ...").write();
    begun_ = now();
}

void Call::show(Line& line, bool has_ended) const noexcept {
    line.text("-> ").text(shape_.name).text("(");
    const char* between = "";
    for (int i = 0; shape_.arguments[i] != '\0'; ++i) {
        if (shape_.arguments[i] == '.') { continue; }
        line.text(between);
        between = ", ";
        show_argument(line, shape_.arguments[i], arguments_[i], arguments_[i + 1], has_ended);
    }
    line.text(")");
}

void Call::end(long result, int error) noexcept {
    const std::int64_t ended = now();
    Line line(ended);
    show(line, result != -1);
    line.text(" = ");
    if (result == -1) {
        const char* const name = strerrorname_np != nullptr ? strerrorname_np(error) : nullptr;
        line.text("-1 ");
        if (name != nullptr) {
            line.text(name);
        } else {
            line.text("errno ").number(error);
        }
    } else if (shape_.gives_address) {
        line.hex(static_cast<unsigned long>(result));
    } else {
        line.number(result);
    }
    line.text(" [").span(ended - begun_).text("]").write();
}

void Call::end_without_result() noexcept {
    Line line(now());
    show(line, true);
    line.text(" = ?").write();
}

}  // namespace traced
