// Whether what a client of a ManagerServer says can be: types, and bytes of elements.
#include "manager_handler.hpp"

namespace brood {
inline namespace v0 {
namespace detail {

Status check_element(std::uint32_t type, const void* element, std::size_t bytes) noexcept {
    const unsigned char* const at = static_cast<const unsigned char*>(element);
    switch (sort_of(type)) {
        case ElementSort::bytes: return Errc::ok;
        case ElementSort::text:
            // What a Text<N> is copied from ends where its bytes do.
            for (std::size_t i = 0; i < bytes; ++i) {
                if (at[i] == 0) { return Errc::bad_argument; }
            }
            return Errc::ok;
        default: break;
    }
    if (bytes != (type & 0xffffff)) { return Errc::bad_argument; }
    // A bool of another byte is none.
    const bool is_bad = sort_of(type) == ElementSort::boolean && *at > 1;
    return is_bad ? Errc::bad_argument : Errc::ok;
}

Status check_laid_out(std::uint32_t type, std::size_t size, const unsigned char* element) noexcept {
    if (sort_of(type) == ElementSort::bytes) { return Errc::ok; }
    if (sort_of(type) == ElementSort::text) {
        return size != 0 && element[size - 1] == 0 ? Errc::ok : Errc::bad_argument;
    }
    return check_element(type, element, size);
}

Status check_all_laid_out(const ObjectType& type, const unsigned char* elements,
                          std::size_t bytes) noexcept {
    const std::size_t size = type.elements[1];
    for (std::size_t at = 0; at < bytes; at += size) {
        const Status checked = check_laid_out(type.elements[0], size, elements + at);
        if (!checked.ok()) { return checked; }
    }
    return Errc::ok;
}

namespace {

constexpr std::size_t kSizeOfBool = 1;

bool is_element_type(std::uint32_t type) noexcept {
    const std::uint32_t bytes = type & 0xffffff;
    switch (sort_of(type)) {
        case ElementSort::text:
        case ElementSort::bytes: return bytes == 0;
        case ElementSort::boolean: return bytes == kSizeOfBool;
        case ElementSort::handle: return bytes == sizeof(ManagedHandle);
        case ElementSort::unsigned_integer:
        case ElementSort::signed_integer:
        case ElementSort::floating:
        case ElementSort::plain: return bytes != 0;
        case ElementSort::nothing: break;
    }
    return false;
}

/// Elements that lie as a T does: what their size must be.
bool is_laid_out_type(const ObjectType& type) noexcept {
    if (!is_element_type(type.elements[0])) { return false; }
    const std::uint32_t size = type.elements[1];
    switch (sort_of(type.elements[0])) {
        case ElementSort::text: return size >= 2 && size < 1u << 24;
        case ElementSort::bytes: return size >= 8 && size % 4 == 0 && size < 1u << 24;
        default: return size == (type.elements[0] & 0xffffff);
    }
}

}  // namespace

Status check_type(const ObjectType& type) noexcept {
    bool is_good = type.elements[0] == 0 && type.elements[1] == 0;
    switch (type.kind) {
        case ObjectKind::dict:
            // Keys are compared by their bytes: no floating point.
            is_good = is_element_type(type.elements[0]) &&
                      (is_element_type(type.elements[1]) || type.elements[1] == 0) &&
                      sort_of(type.elements[0]) != ElementSort::floating;
            break;
        case ObjectKind::list:
            is_good = is_element_type(type.elements[0]) && type.elements[1] == 0;
            break;
        case ObjectKind::value:
        case ObjectKind::array:
        case ObjectKind::queue:
        case ObjectKind::joinable_queue: is_good = is_laid_out_type(type); break;
        default: break;
    }
    return is_good ? Errc::ok : Errc::bad_argument;
}

Status WireCall::check_key() const noexcept {
    return check_element(type.elements[0], key, request.key_bytes);
}
Status WireCall::check_value(const unsigned char* bytes, std::size_t count) const noexcept {
    if (type.elements[1] != 0) { return check_element(type.elements[1], bytes, count); }
    // Of a namespace: its type, and its bytes.
    std::uint32_t its_type = 0;
    if (count < sizeof its_type) { return Errc::bad_argument; }
    __builtin_memcpy(&its_type, bytes, sizeof its_type);
    if (!is_element_type(its_type)) { return Errc::bad_argument; }
    return check_element(its_type, bytes + sizeof its_type, count - sizeof its_type);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
