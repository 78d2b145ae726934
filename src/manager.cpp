#include <brood/manager.hpp>

#include "arena_objects.hpp"
#include "deadline.hpp"

namespace brood {
inline namespace v0 {

Result<Manager> Manager::create(std::uint64_t bytes) noexcept {
    const Result<std::uint32_t> id = detail::make_arena(bytes);
    if (!id.ok()) { return id.error(); }
    Manager manager;
    manager.id_ = *id;
    return manager;
}

Result<Manager> Manager::create_named(const char* name, std::uint64_t bytes,
                                      Access access) noexcept {
    const Result<std::uint32_t> id = detail::make_named_arena(name, bytes, access);
    if (!id.ok()) { return id.error(); }
    Manager manager;
    manager.id_ = *id;
    return manager;
}

Result<Manager> Manager::open(const char* name, Timeout timeout) noexcept {
    const Result<std::uint32_t> id = detail::open_arena(name, timeout);
    if (!id.ok()) { return id.error(); }
    Manager manager;
    manager.id_ = *id;
    return manager;
}

void Manager::close() noexcept {
    if (id_ != 0) { detail::end_arena(std::exchange(id_, 0u)); }
}

const char* Manager::name() const noexcept {
    return detail::name_of_arena(id_);
}

void Manager::keep_name() noexcept {
    detail::keep_name_of_arena(id_);
}

Result<detail::ManagedHandle> Manager::make_container(const char* name,
                                                      const detail::ObjectType& type,
                                                      Timeout timeout) const noexcept {
    detail::ObjectPlan plan;
    plan.type = type;
    plan.name = name;
    return detail::make_managed(id_, plan, timeout);
}

Result<detail::ManagedHandle> Manager::find_object(const char* name, const detail::ObjectType& type,
                                                   Timeout timeout) const noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    if (id_ == 0) { return Errc::closed; }
    return detail::find_object(id_, name, type, deadline_ns);
}

Result<ManagerStats> Manager::stats(Timeout timeout) const noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    const detail::Arena* const arena = detail::find_arena(id_);
    if (arena == nullptr) { return id_ == 0 ? Errc::closed : Errc::wrong_process; }
    return detail::stats_of(*arena, deadline_ns);
}

Result<ManagerObject> Manager::next_object(std::uint32_t after, Timeout timeout) const noexcept {
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    const detail::Arena* const arena = detail::find_arena(id_);
    if (arena == nullptr) { return id_ == 0 ? Errc::closed : Errc::wrong_process; }
    return detail::object_after(*arena, after, deadline_ns);
}

namespace detail {

Status ManagedHandle::drop(Timeout timeout) const noexcept {
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    return drop_object(*this, deadline_ns);
}

Status ManagedHandle::keep(Timeout timeout) const noexcept {
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    return keep_object(*this, deadline_ns);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
