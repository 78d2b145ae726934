// The implementation's way into a Manager.
#ifndef BROOD_SRC_MANAGER_ACCESS_HPP
#define BROOD_SRC_MANAGER_ACCESS_HPP

#include <brood/manager.hpp>

namespace brood {
inline namespace v0 {

/// A Manager that another one of this process keeps: its end closes nothing.
struct ManagerAccess {
    static std::uint32_t id(const Manager& manager) noexcept { return manager.id_; }

    explicit ManagerAccess(std::uint32_t id) noexcept { manager_.id_ = id; }
    ~ManagerAccess() noexcept { manager_.id_ = 0; }
    ManagerAccess(const ManagerAccess&) = delete;
    ManagerAccess& operator=(const ManagerAccess&) = delete;

    const Manager* operator->() const noexcept { return &manager_; }
    Result<detail::ManagedHandle> make_container(const char* name, const detail::ObjectType& type,
                                                 Timeout timeout) const noexcept {
        return manager_.make_container(name, type, timeout);
    }
    /// Of a value or an array of elements of `type`, zeroes if there is nothing to begin with.
    Result<detail::ManagedHandle> make_segment(const detail::ObjectType& type, std::size_t count,
                                               const void* initial, const char* name,
                                               Timeout timeout) const noexcept {
        return manager_.make_segment(type, type.elements[1], count, initial, name, timeout);
    }
    Result<detail::ManagedHandle> make_ring(const detail::ObjectType& type, std::size_t maxsize,
                                            const char* name, Timeout timeout) const noexcept {
        return manager_.make_ring(type, type.elements[1], maxsize, name, timeout);
    }
    Result<detail::ManagedHandle> find(const char* name, const detail::ObjectType& type,
                                       Timeout timeout) const noexcept {
        return manager_.find_object(name, type, timeout);
    }

private:
    Manager manager_;
};

}  // namespace v0
}  // namespace brood

#endif
