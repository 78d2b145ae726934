#include <brood/shared_memory.hpp>

#include <limits>
#include <utility>

#include <port/port.hpp>

#include "fork_list.hpp"
#include "named_object.hpp"
#include "names.hpp"
#include "shared_memory_access.hpp"

namespace brood {
inline namespace v0 {
namespace {

// No system maps more, and differences of pointers into it would not be defined.
constexpr std::uint64_t kMostBytes =
    static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max());

Status check_size(std::uint64_t bytes) noexcept {
    if (bytes == 0) { return Errc::size_zero; }
    return bytes > kMostBytes ? Errc::size_too_large : Errc::ok;
}

// Makes the zeroed bytes of a claimed object. Until they are all there, its first word says so.
Result<void*> build(const detail::Claim& claim, std::size_t bytes) noexcept {
    const bool marked = bytes >= sizeof(detail::kMagicMaking);
    const Status first = marked ? detail::mark_unfinished(claim) : Status();
    if (!first.ok()) { return first.error(); }
    const Status allocated = port::allocate_object(claim.object, bytes);
    if (!allocated.ok()) { return allocated.error(); }
    const Result<void*> data = port::map_object(claim.object, bytes, true);
    if (data.ok() && marked) {
        __atomic_store_n(static_cast<std::uint32_t*>(*data), 0, __ATOMIC_RELEASE);
    }
    return data;
}

Result<SharedMemory> map_whole(port::Fd object, const char* name, bool writable) noexcept {
    if (detail::glance_at(object) != detail::Stage::done) { return Errc::not_ready; }
    const Result<std::uint64_t> bytes = port::object_bytes(object);
    if (!bytes.ok()) { return bytes.error(); }
    const Status size = check_size(*bytes);
    if (!size.ok()) { return size.error(); }
    const std::size_t whole = static_cast<std::size_t>(*bytes);
    const Result<void*> data = port::map_object(object, whole, writable);
    if (!data.ok()) { return data.error(); }
    return SharedMemoryAccess::opened(*data, whole, name);
}

}  // namespace

Result<SharedMemory> SharedMemory::anonymous(std::size_t bytes) noexcept {
    const Status size = check_size(bytes);
    if (!size.ok()) { return size.error(); }
    const Result<void*> data = port::map_shared(bytes);
    if (!data.ok()) { return data.error(); }
    return SharedMemoryAccess::opened(*data, bytes, "");
}

Result<SharedMemory> SharedMemory::create(const char* name, std::size_t bytes,
                                          Access access) noexcept {
    const Status checks[] = {detail::check_name(name), check_size(bytes),
                             detail::check_access(access)};
    for (const Status& check : checks) {
        if (!check.ok()) { return check.error(); }
    }
    const detail::ObjectGuard guard(port::kNever);
    if (!guard.status().ok()) { return guard.status().error(); }
    const Result<detail::Claim> claim =
        detail::claim_name(name, static_cast<std::uint32_t>(access));
    if (!claim.ok()) { return claim.error(); }
    const Result<void*> data = build(*claim, bytes);
    if (!data.ok()) {
        detail::abandon(name, *claim);
        return data.error();
    }
    detail::settle(*claim);
    // If killed here: the name stays, and whoever opens it finds zeroes. As after a kill later.
    return SharedMemoryAccess::created(*data, bytes, name, claim->identity);
}

Result<SharedMemory> SharedMemory::open(const char* name, bool writable) noexcept {
    const Status check = detail::check_name(name);
    if (!check.ok()) { return check.error(); }
    const detail::ObjectGuard guard(port::kNever);
    if (!guard.status().ok()) { return guard.status().error(); }
    const Result<port::Fd> object = port::open_object(name, writable);
    if (!object.ok()) { return object.error(); }
    Result<SharedMemory> memory = map_whole(*object, name, writable);
    port::close(*object);
    return memory;
}

Status SharedMemory::remove(const char* name) noexcept {
    const Status check = detail::check_name(name);
    return check.ok() ? port::remove_object(name) : check;
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept {
    *this = std::move(other);
}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
    if (this == &other) { return *this; }
    close();
    data_ = std::exchange(other.data_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    owner_epoch_ = std::exchange(other.owner_epoch_, 0);
    identity_[0] = other.identity_[0];
    identity_[1] = other.identity_[1];
    name_ = std::exchange(other.name_, Text<256>());
    return *this;
}

void SharedMemory::close() noexcept {
    if (data_ == nullptr) { return; }
    if (owner_epoch_ == detail::fork_epoch()) {
        // While it is mapped: only so long is its identity its own.
        detail::remove_name_of(name_.c_str(), {identity_[0], identity_[1]});
    }
    if (bytes_ != 0) { port::unmap(data_, bytes_); }
    data_ = nullptr;
    bytes_ = 0;
    owner_epoch_ = 0;
    name_ = Text<256>();
}

}  // namespace v0
}  // namespace brood
