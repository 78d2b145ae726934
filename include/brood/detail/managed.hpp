// What the handles of a Manager's objects have in common.
#ifndef BROOD_DETAIL_MANAGED_HPP
#define BROOD_DETAIL_MANAGED_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <brood/result.hpp>
#include <brood/text.hpp>
#include <brood/timeout.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// The kinds of objects; a namespace is a dict. Numbers are an ABI, also on the wire.
enum class ObjectKind : std::uint32_t {
    none = 0,
    dict = 1,
    list = 2,
    value = 3,
    array = 4,
    queue = 5,
    joinable_queue = 6,
    lock = 7,
    rlock = 8,
    semaphore = 9,
    bounded_semaphore = 10,
    condition = 11,
    event = 12,
    barrier = 13,
};

/// What an object is: its kind, and what its elements are (element_type(), or a size).
struct ObjectType {
    ObjectKind kind = ObjectKind::none;
    std::uint32_t elements[2] = {};
};

/// Names an object of a manager, in every process that has the manager: it may travel through
/// pipes, queues, pools and other objects. All zeroes: names none.
struct ManagedHandle {
    std::uint32_t manager = 0;
    std::uint32_t entry = 0;
    std::uint32_t generation = 0;

    /// Ends the object for everybody: whoever still has a handle of it is told `closed`. What it
    /// holds is forgotten; objects that its elements name stay.
    /// Blocks:  while another is at work on it, until `timeout`.
    /// Returns: ok; closed (it is gone already); in_use (a lock that is held, a queue, an event and
    ///          the like that is waited at); wrong_process (this process has not that manager);
    ///          timed_out; corrupt.
    /// Killed here: it is gone, or as it was.
    Status drop(Timeout timeout = Timeout::forever()) const noexcept;
    /// An object that has no name goes with the thread that made it, if that ends; from now on it
    /// stays until it is dropped. So does one whose handle is stored in another object.
    /// Returns: as drop().
    Status keep(Timeout timeout = Timeout::forever()) const noexcept;

    friend constexpr bool operator==(const ManagedHandle& a, const ManagedHandle& b) noexcept {
        return a.manager == b.manager && a.entry == b.entry && a.generation == b.generation;
    }
    friend constexpr bool operator!=(const ManagedHandle& a, const ManagedHandle& b) noexcept {
        return !(a == b);
    }
};
static_assert(sizeof(ManagedHandle) == 12);

/// What elements are, as a manager notes it down: of a sort, and so many bytes long.
enum class ElementSort : std::uint32_t {
    nothing = 0,
    unsigned_integer = 1,
    signed_integer = 2,
    floating = 3,
    boolean = 4,
    text = 5,   // of any length
    bytes = 6,  // of any length
    plain = 7,  // a struct, an array
    handle = 8,
};
constexpr std::uint32_t element_type(ElementSort sort, std::size_t bytes) noexcept {
    return static_cast<std::uint32_t>(sort) << 24 | static_cast<std::uint32_t>(bytes);
}
constexpr ElementSort sort_of(std::uint32_t type) noexcept {
    return static_cast<ElementSort>(type >> 24);
}

/// How a T is kept: as its bytes, or for Text and Bytes as many as it has.
template <class T>
struct Element {
    static_assert(std::is_trivially_copyable_v<T>,
                  "a managed object holds bytes: use Text<N>, Bytes<N>, a struct of plain fields, "
                  "or the handle of another object");
    static_assert(!std::is_pointer_v<T>,
                  "a pointer means nothing to other processes: use the handle of another object, "
                  "Text<N> or Bytes<N>");
    static_assert(sizeof(T) < (1u << 24), "an element has less than 16 MiB");
    static constexpr std::uint32_t type() noexcept {
        if constexpr (std::is_enum_v<T>) {
            return Element<std::underlying_type_t<T>>::type();
        } else if constexpr (std::is_base_of_v<ManagedHandle, T>) {
            return element_type(ElementSort::handle, sizeof(T));
        } else if constexpr (std::is_same_v<T, bool>) {
            return element_type(ElementSort::boolean, sizeof(T));
        } else if constexpr (std::is_floating_point_v<T>) {
            return element_type(ElementSort::floating, sizeof(T));
        } else if constexpr (std::is_integral_v<T>) {
            return element_type(
                std::is_signed_v<T> ? ElementSort::signed_integer : ElementSort::unsigned_integer,
                sizeof(T));
        } else {
            return element_type(ElementSort::plain, sizeof(T));
        }
    }
    static const void* data(const T& element) noexcept { return &element; }
    static std::size_t size(const T&) noexcept { return sizeof(T); }
    /// How many bytes may be there at most.
    static constexpr std::size_t room() noexcept { return sizeof(T); }
    static void* buffer(T& element) noexcept { return &element; }
    /// After so many bytes were put into the buffer. Errors: corrupt.
    static Status filled(T&, std::size_t bytes) noexcept {
        return bytes == sizeof(T) ? Errc::ok : Errc::corrupt;
    }
};

template <std::size_t N>
struct Element<Text<N>> {
    static constexpr std::uint32_t type() noexcept { return element_type(ElementSort::text, 0); }
    static const void* data(const Text<N>& text) noexcept { return text.c_str(); }
    static std::size_t size(const Text<N>& text) noexcept { return text.size(); }
    static constexpr std::size_t room() noexcept { return N - 1; }
    /// `element` is fresh: so the text ends where its bytes do.
    static void* buffer(Text<N>& element) noexcept { return const_cast<char*>(element.c_str()); }
    static Status filled(Text<N>&, std::size_t) noexcept { return Errc::ok; }
};

template <std::size_t N>
struct Element<Bytes<N>> {
    static constexpr std::uint32_t type() noexcept { return element_type(ElementSort::bytes, 0); }
    static const void* data(const Bytes<N>& bytes) noexcept { return bytes.data(); }
    static std::size_t size(const Bytes<N>& bytes) noexcept { return bytes.size(); }
    static constexpr std::size_t room() noexcept { return N; }
    static void* buffer(Bytes<N>& element) noexcept { return element.data(); }
    static Status filled(Bytes<N>& element, std::size_t bytes) noexcept {
        Result<Bytes<N>> made = Bytes<N>::from(element.data(), bytes);
        if (!made.ok()) { return made.error(); }
        element = *made;
        return Errc::ok;
    }
};

/// Whether equal values have equal bytes.
template <class T>
inline constexpr bool has_plain_bytes = std::has_unique_object_representations_v<T>;
template <std::size_t N>
inline constexpr bool has_plain_bytes<Text<N>> = true;
template <std::size_t N>
inline constexpr bool has_plain_bytes<Bytes<N>> = true;

/// A T out of what `fill(buffer, room)` puts into a buffer: how many bytes, or why not.
template <class T, class Fill>
Result<T> element_filled_by(Fill&& fill) noexcept {
    T element = T();
    const Result<std::size_t> bytes = fill(Element<T>::buffer(element), Element<T>::room());
    if (!bytes.ok()) { return bytes.error(); }
    const Status filled = Element<T>::filled(element, *bytes);
    if (!filled.ok()) { return filled.error(); }
    return element;
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
