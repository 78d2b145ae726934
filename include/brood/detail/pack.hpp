// A function and its arguments kept together. Our own aggregate, because std::tuple is never
// trivially copyable, and a pool's task must be.
#ifndef BROOD_DETAIL_PACK_HPP
#define BROOD_DETAIL_PACK_HPP

#include <cstddef>
#include <type_traits>
#include <utility>

namespace brood {
inline namespace v0 {
namespace detail {

template <class... Types>
struct Pack;

template <>
struct Pack<> {
    template <class F, class... Before>
    decltype(auto) call(F& function, Before&... before) const {
        return function(before...);
    }
};

template <class Head, class... Tail>
struct Pack<Head, Tail...> {
    Head head;
    Pack<Tail...> tail;

    template <class F, class... Before>
    decltype(auto) call(F& function, Before&... before) {
        return tail.call(function, before..., head);
    }
    template <class F, class... Before>
    decltype(auto) call(F& function, Before&... before) const {
        return tail.call(function, before..., head);
    }
};

inline Pack<> pack() {
    return {};
}

template <class Head, class... Tail>
Pack<std::decay_t<Head>, std::decay_t<Tail>...> pack(Head&& head, Tail&&... tail) {
    return {std::forward<Head>(head), pack(std::forward<Tail>(tail)...)};
}

/// The same with these types, into which the arguments are converted.
template <class... Types>
struct PackAs {
    static Pack<> pack() { return {}; }
};
template <class Head, class... Tail>
struct PackAs<Head, Tail...> {
    template <class H, class... T>
    static Pack<Head, Tail...> pack(H&& head, T&&... tail) {
        return {Head(std::forward<H>(head)), PackAs<Tail...>::pack(std::forward<T>(tail)...)};
    }
};

/// A function with its arguments; calling it passes the arguments as lvalues, const if it is.
template <class F, class... Arguments>
struct Bound {
    F function;
    Pack<Arguments...> arguments;
    decltype(auto) operator()() { return arguments.call(function); }
    decltype(auto) operator()() const { return arguments.call(function); }
};

/// What the call of Bound<F, Arguments...> returns.
template <class F, class... Arguments>
using CallResult =
    std::decay_t<std::invoke_result_t<std::decay_t<F>&, std::decay_t<Arguments>&...>>;

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
