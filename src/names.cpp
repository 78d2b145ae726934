#include "names.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

bool is_directory(const char* name, std::size_t length) noexcept {
    if (length == 2) { return name[1] == '.'; }
    return length == 3 && name[1] == '.' && name[2] == '.';
}

}  // namespace

Status check_name(const char* name) noexcept {
    if (name == nullptr) { return Errc::bad_argument; }
    if (name[0] == '\0') { return Errc::name_empty; }
    if (name[0] != '/') { return Errc::name_without_slash; }
    std::size_t length = 1;
    for (; name[length] != '\0'; ++length) {
        if (length == kNameBytesMax) { return Error(Errc::name_too_long, 0, kNameBytesMax); }
        if (name[length] == '/') { return Errc::name_with_two_slashes; }
    }
    if (length == 1) { return Errc::name_empty; }
    return is_directory(name, length) ? Errc::bad_argument : Errc::ok;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
