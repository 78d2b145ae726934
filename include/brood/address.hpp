// Address: where a Listener listens and a Client connects to.
#ifndef BROOD_ADDRESS_HPP
#define BROOD_ADDRESS_HPP

#include <cstddef>
#include <cstdint>

#include <brood/error.hpp>

namespace brood {
inline namespace v0 {

/// The address of a socket. One that cannot be is kept as such, with the reason as its problem(),
/// and each call that is given it returns that.
///
/// Memory:  120 bytes, trivially copyable: it may travel through pipes and shared memory.
/// Names:   numeric addresses only. To look up the name of a machine takes a C library's resolver,
///          with threads and heap of its own: look it up before, where that is no matter.
/// Callers: anybody, a signal handler too.
class Address {
public:
    enum class Family : std::uint8_t {
        none,
        unix_path,  ///< AF_UNIX: a file, open to its owner alone unless a Listener is told else.
        abstract,   ///< AF_UNIX, a name that is no file and goes with its socket; open to all users
                    ///< of the machine: use a key. Linux; elsewhere `unsupported`.
        ip4,        ///< AF_INET
        ip6,        ///< AF_INET6
    };
    static constexpr std::size_t kBytes = 108;  ///< Of a path with its NUL, or an abstract name.

    constexpr Address() noexcept = default;
    /// "/run/x.sock". name_empty; name_too_long (more than 107 bytes; some systems take less).
    static Address unix_path(const char* path) noexcept;
    /// Of Linux's abstract names, without the NUL that begins them. name_empty; name_too_long.
    static Address abstract(const char* name) noexcept;
    /// "127.0.0.1", "::1", "fe80::1%2" (the number of an interface); port 0: the system chooses,
    /// and Listener::address() tells. bad_address.
    static Address ip(const char* text, std::uint16_t port) noexcept;

    constexpr Family family() const noexcept { return family_; }
    /// ok, or why there can be no such address; bad_address of one that was never set.
    constexpr Errc problem() const noexcept {
        return family_ == Family::none && problem_ == Errc::ok ? Errc::bad_address : problem_;
    }
    /// Of ip4 and ip6; else 0.
    constexpr std::uint16_t port() const noexcept { return port_; }
    constexpr void port(std::uint16_t port) noexcept { port_ = port; }
    /// Of a unix_path; "" of others.
    constexpr const char* path() const noexcept {
        return family_ == Family::unix_path ? bytes_ : "";
    }
    /// "/run/x.sock", "@name" (an abstract one), "127.0.0.1:5000", "[::1]:5000". Writes at most
    /// `room` bytes, NUL-terminated when room > 0, and returns `buffer`; 112 are always enough.
    const char* text(char* buffer, std::size_t room) const noexcept;

    /// The parts, for who implements a port: a path or name, or 4 or 16 bytes in network order, and
    /// the interface of an ip6 address, 0: any.
    constexpr const char* bytes() const noexcept { return bytes_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr std::uint32_t scope() const noexcept { return scope_; }
    static Address of(Family family, const void* bytes, std::size_t size, std::uint16_t port = 0,
                      std::uint32_t scope = 0) noexcept;

    friend bool operator==(const Address& a, const Address& b) noexcept;
    friend bool operator!=(const Address& a, const Address& b) noexcept { return !(a == b); }

private:
    static Address named(Family family, const char* name) noexcept;

    Errc problem_ = Errc::ok;
    std::uint32_t scope_ = 0;
    std::uint16_t port_ = 0;
    std::uint8_t size_ = 0;
    Family family_ = Family::none;
    char bytes_[kBytes] = {};
};

}  // namespace v0
}  // namespace brood

#endif
