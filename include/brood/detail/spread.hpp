// A function that takes several arguments, as one that takes them in a Pair or a Tuple.
#ifndef BROOD_DETAIL_SPREAD_HPP
#define BROOD_DETAIL_SPREAD_HPP

#include <cstddef>
#include <utility>

#include <brood/detail/task.hpp>
#include <brood/tuple.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

template <class T>
inline constexpr bool kIsTuple = false;
template <class A, class B>
inline constexpr bool kIsTuple<Pair<A, B>> = true;
template <class... Types>
inline constexpr bool kIsTuple<Tuple<Types...>> = true;

/// What starmap() sends in place of its function.
template <class F>
struct Spread {
    F function;

    template <class A, class B>
    decltype(auto) operator()(Pair<A, B>& pair) {
        return function(pair.first, pair.second);
    }
    template <class... Types>
    decltype(auto) operator()(Tuple<Types...>& tuple) {
        return call(tuple, std::index_sequence_for<Types...>());
    }

private:
    template <class T, std::size_t... I>
    decltype(auto) call(T& tuple, std::index_sequence<I...>) {
        return function(tuple.template get<I>()...);
    }
};

template <class F>
bool is_known(const Spread<F>& spread) noexcept {
    return is_known(spread.function);
}

/// As check_task(), for a function whose arguments come in a Pair or Tuple.
template <class F, class... Types>
constexpr void check_spread(const Pair<Types...>*) noexcept {
    check_task<F, Types...>();
}
template <class F, class... Types>
constexpr void check_spread(const Tuple<Types...>*) noexcept {
    check_task<F, Types...>();
}

template <class F, class T>
Spread<std::decay_t<F>> spread(F&& function) noexcept {
    static_assert(kIsTuple<T>, "starmap() takes the arguments of each call in a Pair or a Tuple");
    check_spread<F>(static_cast<const T*>(nullptr));
    return {std::forward<F>(function)};
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
