// How a Process keeps the arguments of its function until it starts.
#ifndef BROOD_DETAIL_KEEP_HPP
#define BROOD_DETAIL_KEEP_HPP

#include <type_traits>
#include <utility>

#include <brood/detail/pack.hpp>

namespace brood {
inline namespace v0 {

class Connection;
class PipeEnd;

namespace detail {

/// Something of the caller's, which the call uses where it is.
template <class T>
struct Borrowed {
    T* object;
};
template <class T, class... Tail>
struct Pack<Borrowed<T>, Tail...> {
    Borrowed<T> head;
    Pack<Tail...> tail;

    template <class F, class... Before>
    decltype(auto) call(F& function, Before&... before) const {
        return tail.call(function, before..., *head.object);
    }
};

std::true_type is_end(const PipeEnd*);
std::true_type is_end(const Connection*);
std::false_type is_end(const void*);

/// Of an argument A of a Process: whether it stays where it is, as what cannot be copied does.
template <class A>
inline constexpr bool kStays = std::is_lvalue_reference_v<A> &&
                               !std::is_copy_constructible_v<std::decay_t<A>>;
/// As what it is kept, and what the function is given.
template <class A>
using Kept = std::conditional_t<kStays<A>, Borrowed<std::remove_reference_t<A>>, std::decay_t<A>>;
template <class A>
using Given = std::conditional_t<kStays<A>, std::remove_reference_t<A>, std::decay_t<A>>;
template <class A>
decltype(auto) keep(A&& argument) noexcept {
    if constexpr (kStays<A>) {
        static_assert(!decltype(is_end(&argument))::value,
                      "hand the end over, std::move(end): one that stays here hangs its readers");
        return Kept<A>{&argument};
    } else {
        return std::forward<A>(argument);
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
