// ShellAccess: a typed shell around a core that was made elsewhere.
#ifndef BROOD_DETAIL_SHELL_ACCESS_HPP
#define BROOD_DETAIL_SHELL_ACCESS_HPP

namespace brood {
inline namespace v0 {
namespace detail {

/// The implementation's way to a Value or Array around a Segment, a Queue or JoinableQueue around a
/// RingHandle: of objects in memory that another keeps.
struct ShellAccess {
    template <class Shell, class Core>
    static Shell around(Core&& core) noexcept {
        return Shell(static_cast<Core&&>(core));
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
