// What a function's parameters say of the arguments that it is given later, in another process.
#ifndef BROOD_DETAIL_PARAMETERS_HPP
#define BROOD_DETAIL_PARAMETERS_HPP

#include <cstddef>
#include <type_traits>

namespace brood {
inline namespace v0 {
namespace detail {

template <class... Types>
struct TypeList {};

/// The types of its parameters; none, of what takes different ones (a generic lambda).
TypeList<> parameters_of(...);
template <class R, class... P>
TypeList<std::decay_t<P>...> parameters_of(R (*)(P...));
template <class R, class... P>
TypeList<std::decay_t<P>...> parameters_of(R (*)(P...) noexcept);
template <class R, class F, class... P>
TypeList<std::decay_t<P>...> parameters_of(R (F::*)(P...));
template <class R, class F, class... P>
TypeList<std::decay_t<P>...> parameters_of(R (F::*)(P...) const);
template <class R, class F, class... P>
TypeList<std::decay_t<P>...> parameters_of(R (F::*)(P...) noexcept);
template <class R, class F, class... P>
TypeList<std::decay_t<P>...> parameters_of(R (F::*)(P...) const noexcept);

template <class F, class = void>
struct ParametersOf {
    using Types = decltype(parameters_of(std::declval<F>()));
};
template <class F>
struct ParametersOf<F, std::void_t<decltype(&F::operator())>> {
    using Types = decltype(parameters_of(&F::operator()));
};

template <std::size_t kIndex, class List>
struct TypeAt {
    using Type = void;
};
template <class Head, class... Tail>
struct TypeAt<0, TypeList<Head, Tail...>> {
    using Type = Head;
};
template <std::size_t kIndex, class Head, class... Tail>
struct TypeAt<kIndex, TypeList<Head, Tail...>> : TypeAt<kIndex - 1, TypeList<Tail...>> {};

/// As what the kIndex-th argument A of a call of F travels: text where a value is wanted that can
/// be made of it, as that value; all else as itself.
template <class F, std::size_t kIndex, class A>
struct Traveller {
    using Argument = std::decay_t<A>;
    using Parameter = typename TypeAt<kIndex, typename ParametersOf<std::decay_t<F>>::Types>::Type;
    static constexpr bool kIsText = std::is_same_v<Argument, const char*> ||
                                    std::is_same_v<Argument, char*>;
    static constexpr bool kIsMade = kIsText && !std::is_void_v<Parameter> &&
                                    !std::is_pointer_v<Parameter> &&
                                    std::is_constructible_v<Parameter, Argument>;
    using Type = std::conditional_t<kIsMade, Parameter, Argument>;
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
