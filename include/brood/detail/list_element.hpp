// Elements of lists: made of bytes, and compared.
#ifndef BROOD_DETAIL_LIST_ELEMENT_HPP
#define BROOD_DETAIL_LIST_ELEMENT_HPP

#include <brood/detail/list_handle.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// A T out of its bytes. Errors: buffer_too_short, corrupt.
template <class T>
Status read_element(T& to, const ListBytes& from) noexcept {
    if (from.bytes > Element<T>::room()) {
        return Error(Errc::buffer_too_short, 0, static_cast<std::int64_t>(from.bytes));
    }
    to = T();
    if (from.bytes != 0) { __builtin_memcpy(Element<T>::buffer(to), from.data, from.bytes); }
    return Element<T>::filled(to, from.bytes);
}

/// The same; of what is too long, which a stranger wrote or was put as a longer Text<N>: T().
template <class T>
T element_of(const ListBytes& bytes) noexcept {
    T element = T();
    if (!read_element(element, bytes).ok()) { element = T(); }
    return element;
}

/// Whether `a` comes before `b`, byte by byte.
inline bool is_less_as_bytes(const ListBytes& a, const ListBytes& b) noexcept {
    const int order = __builtin_memcmp(a.data, b.data, a.bytes < b.bytes ? a.bytes : b.bytes);
    return order != 0 ? order < 0 : a.bytes < b.bytes;
}

template <class T>
struct ElementLess {
    bool operator()(const T& a, const T& b) const noexcept {
        if constexpr (sort_of(Element<T>::type()) == ElementSort::text ||
                      sort_of(Element<T>::type()) == ElementSort::bytes) {
            return is_less_as_bytes({Element<T>::data(a), Element<T>::size(a)},
                                    {Element<T>::data(b), Element<T>::size(b)});
        } else {
            return a < b;
        }
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
