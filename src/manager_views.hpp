// The locks, queues and the like that a client of a ManagerServer uses: opened once, in the process
// that serves it, and kept, since what the client holds it holds by them.
#ifndef BROOD_SRC_MANAGER_VIEWS_HPP
#define BROOD_SRC_MANAGER_VIEWS_HPP

#include <brood/handle.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// One object, opened.
struct ManagerView {
    ManagedHandle handle;  // all zeroes: there is none
    ObjectKind kind = ObjectKind::none;
    alignas(16) unsigned char object[352];

    template <class Object>
    Object& as() noexcept {
        static_assert(sizeof(Object) <= sizeof object && alignof(Object) <= 16);
        return *std::launder(reinterpret_cast<Object*>(object));
    }
};

/// A table of them. Zeroed memory is an empty one.
class ManagerViews {
public:
    static constexpr std::size_t kViewsMax = 128;

    /// That object's, opened if it was not. Errors: full (kViewsMax are in use); closed (it was
    /// dropped); those of Handle::open().
    Result<ManagerView*> open(const ManagedHandle& handle, const ObjectType& type,
                              Timeout timeout) noexcept;
    /// Ends that object's view, which releases what is held by it.
    void forget(const ManagedHandle& handle) noexcept;
    void forget_all() noexcept;

private:
    ManagerView* find(const ManagedHandle& handle) noexcept;
    ManagerView* blank(Timeout timeout) noexcept;
    ManagerView views_[kViewsMax];
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
