#include <brood/named_semaphore.hpp>

#include <utility>

#include <port/port.hpp>

#include "deadline.hpp"
#include "fork_list.hpp"
#include "names.hpp"
#include "shared_memory_access.hpp"

namespace brood {
inline namespace v0 {
namespace {

// Opened twice under one name a semaphore has one address, as long as the name is its own.
void remove_name_of(const char* name, port::Semaphore semaphore) noexcept {
    const Result<port::Semaphore> found = port::sem_open(name);
    if (found.code() == Errc::not_found || found.code() == Errc::corrupt) { return; }
    const bool is_other = found.ok() && *found != semaphore;
    if (found.ok()) { port::sem_close(*found); }
    if (!is_other) { port::sem_unlink(name).ignore(); }
}

}  // namespace

Result<NamedSemaphore> NamedSemaphore::create(const char* name, std::uint32_t value,
                                              Access access) noexcept {
    const Status checks[] = {detail::check_name(name), detail::check_access(access),
                             detail::fork_list_watch()};
    for (const Status& check : checks) {
        if (!check.ok()) { return check.error(); }
    }
    const Result<port::Semaphore> semaphore =
        port::sem_create(name, static_cast<std::uint32_t>(access), value);
    if (!semaphore.ok()) { return semaphore.error(); }
    // If killed here, or later: the name stays, and whoever opens it finds a semaphore that works.
    NamedSemaphore made;
    made.semaphore_ = *semaphore;
    made.owner_epoch_ = detail::fork_epoch();
    made.name_.append(name);
    return made;
}

Result<NamedSemaphore> NamedSemaphore::open(const char* name) noexcept {
    const Status check = detail::check_name(name);
    if (!check.ok()) { return check.error(); }
    const Result<port::Semaphore> semaphore = port::sem_open(name);
    if (!semaphore.ok()) { return semaphore.error(); }
    NamedSemaphore opened;
    opened.semaphore_ = *semaphore;
    opened.name_.append(name);
    return opened;
}

Status NamedSemaphore::remove(const char* name) noexcept {
    const Status check = detail::check_name(name);
    return check.ok() ? port::sem_unlink(name) : check;
}

NamedSemaphore::NamedSemaphore(NamedSemaphore&& other) noexcept {
    *this = std::move(other);
}

NamedSemaphore& NamedSemaphore::operator=(NamedSemaphore&& other) noexcept {
    if (this == &other) { return *this; }
    close();
    semaphore_ = std::exchange(other.semaphore_, nullptr);
    owner_epoch_ = std::exchange(other.owner_epoch_, 0);
    name_ = std::exchange(other.name_, Text<256>());
    return *this;
}

void NamedSemaphore::close() noexcept {
    if (semaphore_ == nullptr) { return; }
    if (owner_epoch_ == detail::fork_epoch()) { remove_name_of(name_.c_str(), semaphore_); }
    port::sem_close(std::exchange(semaphore_, nullptr));
    owner_epoch_ = 0;
    name_ = Text<256>();
}

Status NamedSemaphore::acquire(Timeout timeout) noexcept {
    if (semaphore_ == nullptr) { return Errc::closed; }
    const std::int64_t deadline_ns = detail::deadline_of(timeout);
    if (deadline_ns < 0) { return detail::deadline_error(deadline_ns); }
    return port::sem_wait(semaphore_, deadline_ns);
}

Status NamedSemaphore::release(std::uint32_t count) noexcept {
    if (semaphore_ == nullptr) { return Errc::closed; }
    const std::uint32_t most = port::sem_value_max();
    if (count > most - port::sem_value(semaphore_)) {
        return Error(Errc::over_system_limit, 0, most, Limit::sem_value_max);
    }
    // If killed here: as many were given as were counted down.
    for (; count > 0; --count) {
        const Status given = port::sem_post(semaphore_);
        if (!given.ok()) { return given; }
    }
    return Errc::ok;
}

Result<std::uint32_t> NamedSemaphore::value() const noexcept {
    if (semaphore_ == nullptr) { return Errc::closed; }
    return port::sem_value(semaphore_);
}

}  // namespace v0
}  // namespace brood
