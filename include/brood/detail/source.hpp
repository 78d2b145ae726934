// Where the elements of an imap() come from: a range, a pair of iterators, or a function that is
// called for each.
#ifndef BROOD_DETAIL_SOURCE_HPP
#define BROOD_DETAIL_SOURCE_HPP

#include <cstddef>
#include <type_traits>
#include <utility>

#include <brood/result.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

// All of them: `using Item`, and pull(item), which gives ok, end_of_stream or why there is no more.

template <class Iterator, class End>
struct IteratorSource {
    using Item = std::decay_t<decltype(*std::declval<Iterator&>())>;
    Iterator at;
    End end;

    template <class Put>
    Status pull(const Put& put) noexcept {
        if (!(at != end)) { return Errc::end_of_stream; }
        const Item item = *at;
        ++at;
        put(item);
        return Errc::ok;
    }
};

/// The T of a function that takes one T&.
template <class F>
struct ItemOf : ItemOf<decltype(&F::operator())> {};
template <class R, class T>
struct ItemOf<R (*)(T&)> {
    using type = T;
};
template <class R, class T>
struct ItemOf<R (*)(T&) noexcept> {
    using type = T;
};
template <class R, class C, class T>
struct ItemOf<R (C::*)(T&)> {
    using type = T;
};
template <class R, class C, class T>
struct ItemOf<R (C::*)(T&) const> {
    using type = T;
};
template <class R, class C, class T>
struct ItemOf<R (C::*)(T&) noexcept> {
    using type = T;
};
template <class R, class C, class T>
struct ItemOf<R (C::*)(T&) const noexcept> {
    using type = T;
};

/// `G`: a reference to the caller's generator, or one of our own.
template <class G>
struct GeneratorSource {
    using Item = typename ItemOf<std::decay_t<G>>::type;
    G generator;

    template <class Put>
    Status pull(const Put& put) noexcept {
        Item item{};
        const auto got = generator(item);
        using Got = std::decay_t<decltype(got)>;
        static_assert(std::is_same_v<Got, bool> || std::is_same_v<Got, Status>,
                      "a generator takes a T& and returns a bool (false: no more) or a Status");
        if constexpr (std::is_same_v<Got, bool>) {
            if (!got) { return Errc::end_of_stream; }
        } else {
            if (!got.ok()) { return got; }
        }
        put(item);
        return Errc::ok;
    }
};

template <class S, class = void>
inline constexpr bool kIsRange = std::is_array_v<std::remove_reference_t<S>>;
template <class S>
inline constexpr bool
    kIsRange<S, std::void_t<decltype(std::declval<S&>().begin() != std::declval<S&>().end())>> =
        true;

template <class S>
auto source_of(S&& source) noexcept {
    if constexpr (std::is_array_v<std::remove_reference_t<S>>) {
        const auto* const first =
            static_cast<std::remove_extent_t<std::remove_reference_t<S>>*>(source);
        using Iterator = decltype(+first);
        constexpr std::size_t kCount = std::extent_v<std::remove_reference_t<S>>;
        return IteratorSource<Iterator, Iterator>{first, first + kCount};
    } else if constexpr (kIsRange<S>) {
        static_assert(std::is_lvalue_reference_v<S>,
                      "imap() does not keep its range: give it one that has a name");
        return IteratorSource<decltype(source.begin()), decltype(source.end())>{source.begin(),
                                                                                source.end()};
    } else {
        using G =
            std::conditional_t<std::is_function_v<std::remove_reference_t<S>>, std::decay_t<S>, S>;
        return GeneratorSource<G>{std::forward<S>(source)};
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
