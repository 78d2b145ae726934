// Pair<A, B> and Tuple<T...>: several values as one message, argument or shared value.
#ifndef BROOD_TUPLE_HPP
#define BROOD_TUPLE_HPP

#include <cstddef>
#include <type_traits>
#include <utility>

namespace brood {
inline namespace v0 {

/// Two values: `Pair(3, 2.5)`, `auto [number, weight] = pair`.
///
/// Memory: as a struct of the two. Trivially copyable if both are, which std::pair never is: it may
///         travel through pipes, queues, pools, shared memory.
/// Callers: anybody, a signal handler too.
template <class A, class B>
struct Pair {
    A first = {};
    B second = {};

    friend constexpr bool operator==(const Pair& a, const Pair& b) noexcept {
        return a.first == b.first && a.second == b.second;
    }
    friend constexpr bool operator!=(const Pair& a, const Pair& b) noexcept { return !(a == b); }
};
template <class A, class B>
Pair(A, B) -> Pair<A, B>;

/// Any number of values, at least one: `Tuple(3, 2.5, 'x')`, `tuple.get<0>()`,
/// `auto [number, weight, letter] = tuple`. Where the values have names, a struct is better.
///
/// Memory: as structs of a value and the rest. Trivially copyable if all values are, which
///         std::tuple never is.
/// Callers: anybody, a signal handler too.
template <class... Types>
class Tuple;

template <class Last>
class Tuple<Last> {
public:
    constexpr Tuple() noexcept = default;
    explicit constexpr Tuple(Last value) noexcept : value_(std::move(value)) {}

    template <std::size_t I>
    constexpr Last& get() noexcept {
        static_assert(I == 0, "the tuple has fewer values");
        return value_;
    }
    template <std::size_t I>
    constexpr const Last& get() const noexcept {
        static_assert(I == 0, "the tuple has fewer values");
        return value_;
    }

    friend constexpr bool operator==(const Tuple& a, const Tuple& b) noexcept {
        return a.value_ == b.value_;
    }
    friend constexpr bool operator!=(const Tuple& a, const Tuple& b) noexcept { return !(a == b); }

private:
    Last value_ = {};
};

template <class First, class... Rest>
class Tuple<First, Rest...> {
public:
    constexpr Tuple() noexcept = default;
    constexpr Tuple(First first, Rest... rest) noexcept
        : first_(std::move(first)), rest_(std::move(rest)...) {}

    template <std::size_t I>
    constexpr auto& get() noexcept {
        if constexpr (I == 0) {
            return first_;
        } else {
            return rest_.template get<I - 1>();
        }
    }
    template <std::size_t I>
    constexpr const auto& get() const noexcept {
        if constexpr (I == 0) {
            return first_;
        } else {
            return rest_.template get<I - 1>();
        }
    }

    friend constexpr bool operator==(const Tuple& a, const Tuple& b) noexcept {
        return a.first_ == b.first_ && a.rest_ == b.rest_;
    }
    friend constexpr bool operator!=(const Tuple& a, const Tuple& b) noexcept { return !(a == b); }

private:
    First first_ = {};
    Tuple<Rest...> rest_;
};
template <class... Types>
Tuple(Types...) -> Tuple<Types...>;

}  // namespace v0
}  // namespace brood

// What structured bindings ask of a type that is no plain struct.
template <class... Types>
struct std::tuple_size<brood::Tuple<Types...>>
    : std::integral_constant<std::size_t, sizeof...(Types)> {};
template <std::size_t I, class... Types>
struct std::tuple_element<I, brood::Tuple<Types...>> {
    using type = std::decay_t<decltype(std::declval<brood::Tuple<Types...>&>().template get<I>())>;
};

#endif
