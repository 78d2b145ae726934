// Manager: shared containers and locks that any process makes and drops at any time.
#ifndef BROOD_MANAGER_HPP
#define BROOD_MANAGER_HPP

#include <cstddef>
#include <cstdint>
#include <utility>

#include <brood/dict.hpp>
#include <brood/handle.hpp>
#include <brood/list.hpp>
#include <brood/name_space.hpp>
#include <brood/shared_memory.hpp>
#include <brood/this_process.hpp>

namespace brood {
inline namespace v0 {

class Address;

/// How a manager stands.
struct ManagerStats {
    std::uint64_t bytes_max = 0;   ///< What it may take.
    std::uint64_t bytes_used = 0;  ///< In pages that hold something, and what describes them.
    std::uint32_t objects = 0;     ///< That were made and not dropped.
    std::uint32_t objects_max = 0;
};

/// An object of a manager, for who looks after it.
struct ManagerObject {
    std::uint32_t number = 0;  ///< In this manager, for next_object().
    detail::ObjectType type;
    Text<256> name;           ///< "" if it has none.
    std::uint64_t count = 0;  ///< Items of a dict or list, elements of an array; else 0.
    std::uint64_t bytes = 0;  ///< Of the block of one that is no container.
    bool is_kept = false;     ///< Else it goes with the thread that made it.
};

/// Memory in which processes share dictionaries, lists, locks and the like, as Python's
/// multiprocessing.Manager(), but without a server in the way: whoever uses an object does so
/// himself, with the object's lock.
///
///     Manager manager = Manager::create().expect("making the manager");
///     auto counts = manager.dict<Text<16>, int>().expect("making a dict");
///     Process worker([=] { counts.update("count", [](int& n) { ++n; }).expect("counting"); });
///
/// Objects: made in any process that has the manager, at any time, and named by handles, which are
///         trivially copyable and travel through queues, pipes, tasks and other objects. With a
///         name, an object is found by it. An object lives until it is dropped, or the manager ends
///         with its last process. One that has no name is its maker's: if the thread that made it
///         ends, it is dropped by itself, unless keep() was called or its handle was stored in
///         another object.
/// Memory: without a name: addresses for `bytes` are reserved, and memory is allocated as objects
///         need it and given back when they go, in pieces of 64 KiB. With a name: all of it is
///         allocated at once, in /dev/shm. 64 KiB more for the first shared object of a process and
///         its children: the table of those who use it. No heap. At most 16 in one process.
/// Fork:   make it before fork(); children share it, and use the handles that they inherit. A child
///         that was forked before has it not (wrong_process).
/// Names:  as SharedMemory: mode 0600 unless asked otherwise; removed by its maker's destructor.
///         What strangers may have written there is not trusted: who opens and uses it then gets
///         errors, or any values, but touches no memory outside. (Who writes there while others
///         are at work, other than by a Manager, can harm them, as can who truncates it.)
/// Crash:  no kill, at whatever instruction, leaves an object half changed, or locked.
/// Callers: any thread. In each process the manager outlives what was opened by it there.
class Manager {
public:
    /// What create() reserves if it is not told: 1 GiB, or 64 MiB with 32 bits.
    static constexpr std::uint64_t kBytes = sizeof(void*) < 8 ? std::uint64_t{64} << 20
                                                              : std::uint64_t{1} << 30;

    /// A manager for this process and those it forks from now on, of at most `bytes` (256 KiB to
    /// 16 GiB; fewer if the system has not so many).
    /// Errors: no_memory, no_space, too_many_files, size_too_large, full (16 already).
    static Result<Manager> create(std::uint64_t bytes = kBytes) noexcept;
    /// One that unrelated processes open by its name. Errors: also already_exists, not_permitted,
    /// bad_argument, unsupported, the name_* ones.
    /// Killed here: open() says not_ready, or finds it; the next create_named() replaces one that
    /// is not ready.
    static Result<Manager> create_named(const char* name, std::uint64_t bytes,
                                        Access access = Access::owner) noexcept;
    /// Waits until `timeout` for a maker who is not done.
    /// Errors: not_found, not_ready, type_mismatch, version_mismatch, layout_mismatch, corrupt,
    /// not_permitted, already_exists (this process has it open), full, the name_* ones.
    static Result<Manager> open(const char* name, Timeout timeout = seconds(1)) noexcept;
    /// Removes a name; those who have it open keep it. Errors: as SharedMemory::remove().
    static Status remove(const char* name) noexcept { return SharedMemory::remove(name); }

    Manager() noexcept = default;
    Manager(Manager&& other) noexcept : id_(std::exchange(other.id_, 0u)) {}
    Manager& operator=(Manager&& other) noexcept {
        std::swap(id_, other.id_);
        return *this;
    }
    /// In this process only: others go on.
    ~Manager() noexcept { close(); }
    void close() noexcept;

    /// Makes a dictionary, with a name for find() or without.
    /// Blocks: while another makes or drops one, until `timeout`.
    /// Errors: no_space, no_memory, full (as many objects as there may be), already_exists (the
    /// name), name_too_long (more than 255 bytes), too_many_members, closed, timed_out, corrupt.
    /// Killed here: it is there or not; without a name it goes with the caller.
    template <class K, class V>
    Result<Dict<K, V>> dict(const char* name = "",
                            Timeout timeout = Timeout::forever()) const noexcept {
        return made<Dict<K, V>>(name, timeout);
    }
    /// Makes a list. Errors: as dict().
    template <class T>
    Result<List<T>> list(const char* name = "",
                         Timeout timeout = Timeout::forever()) const noexcept {
        return made<List<T>>(name, timeout);
    }
    /// Makes a namespace. Errors: as dict().
    Result<Namespace> name_space(const char* name = "",
                                 Timeout timeout = Timeout::forever()) const noexcept {
        return made<Namespace>(name, timeout);
    }

    /// Locks and the like, as those of their create(); open() of the handle gives one.
    /// Errors: as dict(), and those of create().
    Result<Handle<Lock>> lock(const char* name = "",
                              Timeout timeout = Timeout::forever()) const noexcept;
    Result<Handle<RLock>> rlock(const char* name = "",
                                Timeout timeout = Timeout::forever()) const noexcept;
    Result<Handle<Semaphore>> semaphore(std::size_t permits, const char* name = "",
                                        Timeout timeout = Timeout::forever()) const noexcept;
    Result<Handle<BoundedSemaphore>> bounded_semaphore(
        std::size_t permits, const char* name = "",
        Timeout timeout = Timeout::forever()) const noexcept;
    Result<Handle<Condition>> condition(std::size_t waiters = Condition::kWaitersMax,
                                        const char* name = "",
                                        Timeout timeout = Timeout::forever()) const noexcept;
    Result<Handle<Event>> event(const char* name = "",
                                Timeout timeout = Timeout::forever()) const noexcept;
    /// `patience` is that of its wait(): what create() calls timeout.
    Result<Handle<Barrier>> barrier(std::size_t parties, Timeout patience = Timeout::forever(),
                                    const char* name = "",
                                    Timeout timeout = Timeout::forever()) const noexcept;
    template <class T>
    Result<Handle<Value<T>>> value(const T& initial = T(), const char* name = "",
                                   Timeout timeout = Timeout::forever()) const noexcept {
        return segment<Value<T>>(sizeof(T), 1, &initial, name, timeout);
    }
    /// Of zeroes.
    template <class T>
    Result<Handle<Array<T>>> array(std::size_t count, const char* name = "",
                                   Timeout timeout = Timeout::forever()) const noexcept {
        return segment<Array<T>>(sizeof(T), count, nullptr, name, timeout);
    }
    /// With maxsize 0 it takes as much memory as it needs, of at most a sixteenth of the manager's,
    /// and keeps it when it is dropped; of a manager with a name it needs a bound (size_zero).
    template <class T>
    Result<Handle<Queue<T>>> queue(std::size_t maxsize = 0, const char* name = "",
                                   Timeout timeout = Timeout::forever()) const noexcept {
        return ring<Queue<T>>(sizeof(T), maxsize, name, timeout);
    }
    template <class T>
    Result<Handle<JoinableQueue<T>>> joinable_queue(
        std::size_t maxsize = 0, const char* name = "",
        Timeout timeout = Timeout::forever()) const noexcept {
        return ring<JoinableQueue<T>>(sizeof(T), maxsize, name, timeout);
    }

    /// The object of that name: `manager.find<Dict<int, int>>("squares")`.
    /// Errors: not_found, type_mismatch, name_empty, name_too_long, closed, timed_out, corrupt.
    template <class Object>
    Result<Object> find(const char* name, Timeout timeout = Timeout::forever()) const noexcept {
        const Result<detail::ManagedHandle> handle = find_object(name, Object::kType, timeout);
        if (!handle.ok()) { return handle.error(); }
        return Object(*handle);
    }

    /// As of now. Blocks: while another is at work, until `timeout`.
    Result<ManagerStats> stats(Timeout timeout = Timeout::forever()) const noexcept;

    /// The first object whose number is above `after`, as it is now; begin with 0.
    /// Errors: not_found (there are no more), closed, timed_out, corrupt.
    Result<ManagerObject> next_object(std::uint32_t after,
                                      Timeout timeout = Timeout::forever()) const noexcept;

    /// Offers the objects at an address, to who has the key: RemoteManager, and Python. See
    /// ManagerServer, of which this is one with its usual settings, and the end of which closes it.
    /// Blocks:  until `timeout`.
    /// Returns: as ManagerServer::create() and serve().
    Status serve(const Address& address, const AuthKey& key,
                 Timeout timeout = Timeout::forever()) const noexcept;

    /// "" if it has none.
    const char* name() const noexcept;
    /// The maker's destructor will leave the name in place.
    void keep_name() noexcept;

private:
    friend struct ManagerAccess;  // src/manager_access.hpp
    template <class Object>
    Result<Object> made(const char* name, Timeout timeout) const noexcept {
        const Result<detail::ManagedHandle> handle = make_container(name, Object::kType, timeout);
        if (!handle.ok()) { return handle.error(); }
        return Object(*handle);
    }
    template <class Object>
    static Result<Handle<Object>> handle_of(const Result<detail::ManagedHandle>& made) noexcept {
        if (!made.ok()) { return made.error(); }
        return Handle<Object>(*made);
    }
    template <class Object>
    Result<Handle<Object>> segment(std::size_t element_bytes, std::size_t count,
                                   const void* initial, const char* name,
                                   Timeout timeout) const noexcept {
        return handle_of<Object>(
            make_segment(Handle<Object>::kType, element_bytes, count, initial, name, timeout));
    }
    template <class Object>
    Result<Handle<Object>> ring(std::size_t message_bytes, std::size_t maxsize, const char* name,
                                Timeout timeout) const noexcept {
        return handle_of<Object>(
            make_ring(Handle<Object>::kType, message_bytes, maxsize, name, timeout));
    }
    Result<detail::ManagedHandle> make_segment(const detail::ObjectType& type,
                                               std::size_t element_bytes, std::size_t count,
                                               const void* initial, const char* name,
                                               Timeout timeout) const noexcept;
    Result<detail::ManagedHandle> make_ring(const detail::ObjectType& type,
                                            std::size_t message_bytes, std::size_t maxsize,
                                            const char* name, Timeout timeout) const noexcept;
    Result<detail::ManagedHandle> make_container(const char* name, const detail::ObjectType& type,
                                                 Timeout timeout) const noexcept;
    Result<detail::ManagedHandle> find_object(const char* name, const detail::ObjectType& type,
                                              Timeout timeout) const noexcept;
    std::uint32_t id_ = 0;
};

}  // namespace v0
}  // namespace brood

#endif
