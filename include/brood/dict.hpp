// Dict<K, V>: a dictionary that several processes share, as multiprocessing.Manager().dict().
#ifndef BROOD_DICT_HPP
#define BROOD_DICT_HPP

#include <type_traits>
#include <utility>

#include <brood/detail/dict_handle.hpp>

namespace brood {
inline namespace v0 {

template <class K, class V>
class DictItems;

/// What Dict<K, V> and RemoteDict<K, V> do, by a core: detail::DictHandle, detail::RemoteDictCore.
///
/// Keys and values: trivially copyable types, Text<N> and Bytes<N>, of which only as many bytes are
///         stored as they have, and handles of objects of the same manager. Keys are equal if their
///         bytes are.
/// Every call may say: closed (the dictionary was dropped), wrong_process (this process has not its
/// manager), type_mismatch (a handle of something else), timed_out, would_deadlock (out of a
/// function that was given to the same dictionary), corrupt.
template <class K, class V, class Core>
class BasicDict : public Core {
    using Key = detail::Element<K>;
    using Value = detail::Element<V>;
    static_assert(detail::has_plain_bytes<K>,
                  "keys are compared by their bytes, so they may have no padding and no floating "
                  "point: use integers, Text<N>, Bytes<N> or a packed struct of integers");

public:
    using key_type = K;
    using mapped_type = V;
    static constexpr detail::ObjectType kType = {detail::ObjectKind::dict,
                                                 {Key::type(), Value::type()}};

    BasicDict() noexcept = default;
    explicit BasicDict(const Core& core) noexcept : Core(core) {}

    /// d[key] = value. Also says: no_space, no_memory (nothing has changed); closed (`value` is the
    /// handle of an object that is gone, or of another manager).
    Status set(const K& key, const V& value, Timeout timeout = Timeout::forever()) const noexcept {
        return Core::set(kType, Key::data(key), Key::size(key), Value::data(value),
                         Value::size(value), timeout);
    }
    /// d[key]. Also says: not_found; buffer_too_short (longer than a V).
    Result<V> get(const K& key, Timeout timeout = Timeout::forever()) const noexcept {
        return detail::element_filled_by<V>([&](void* buffer, std::size_t room) {
            return Core::get(kType, Key::data(key), Key::size(key), buffer, room, timeout);
        });
    }
    /// d.get(key, otherwise)
    Result<V> get_or(const K& key, const V& otherwise,
                     Timeout timeout = Timeout::forever()) const noexcept {
        Result<V> found = get(key, timeout);
        return found.ok() || found.error() != Errc::not_found ? found : Result<V>(otherwise);
    }
    /// key in d
    Result<bool> contains(const K& key, Timeout timeout = Timeout::forever()) const noexcept {
        return Core::has(kType, Key::data(key), Key::size(key), timeout);
    }
    /// del d[key]. Also says: not_found.
    Status erase(const K& key, Timeout timeout = Timeout::forever()) const noexcept {
        return Core::erase_key(kType, Key::data(key), Key::size(key), timeout);
    }
    /// d.pop(key): takes it out. Also says: not_found; buffer_too_short (it stays).
    Result<V> pop(const K& key, Timeout timeout = Timeout::forever()) const noexcept {
        return detail::element_filled_by<V>([&](void* buffer, std::size_t room) {
            return Core::take(kType, Key::data(key), Key::size(key), buffer, room, timeout);
        });
    }
    /// d.setdefault(key, value): what there is, after `value` was put if there was nothing.
    Result<V> setdefault(const K& key, const V& value,
                         Timeout timeout = Timeout::forever()) const noexcept {
        Default otherwise(value);
        const Status done = change_by(key, otherwise, timeout);
        if (!done.ok()) { return done.error(); }
        if (!otherwise.status.ok()) { return otherwise.status.error(); }
        return otherwise.value;
    }
    /// d[key] = f(d[key]) as one step, which Python needs a lock for: calls f(V&) with the value,
    /// or with V() if there is none, and puts what f makes of it.
    /// Killed here: it is as it was, or as f made it. f must not use this dictionary; others wait
    /// until it has returned.
    template <class F>
    Status update(const K& key, F&& f, Timeout timeout = Timeout::forever()) const noexcept {
        static_assert(std::is_invocable_v<F&, V&>, "update() calls f(V&)");
        Updated<F> updated{f};
        const Status done = change_by(key, updated, timeout);
        return done.ok() ? updated.status : done;
    }
    /// d.popitem(): takes the newest item out. Also says: not_found (it is empty).
    Status popitem(K& key, V& value, Timeout timeout = Timeout::forever()) const noexcept {
        key = K();
        value = V();
        std::size_t bytes[2] = {Key::room(), Value::room()};
        const Status done = Core::pop_newest(kType, Key::buffer(key), bytes[0],
                                             Value::buffer(value), bytes[1], timeout);
        if (!done.ok()) { return done; }
        const Status filled = Key::filled(key, bytes[0]);
        return filled.ok() ? Value::filled(value, bytes[1]) : filled;
    }
    /// len(d)
    Result<std::size_t> size(Timeout timeout = Timeout::forever()) const noexcept {
        return Core::count(kType, timeout);
    }
    /// Also says: full (no object is left to gather them in; nothing has changed).
    Status clear(Timeout timeout = Timeout::forever()) const noexcept {
        return Core::clear(kType, timeout);
    }
    /// All items as they are at one moment, for `for (auto [key, value] : items)`. A copy: it takes
    /// memory of this process, and does not follow what others change. Also says: no_memory.
    Result<DictItems<K, V>> items(Timeout timeout = Timeout::forever()) const noexcept {
        Result<detail::DictCopy> copy = Core::copy(kType, timeout);
        if (!copy.ok()) { return copy.error(); }
        return DictItems<K, V>(std::move(*copy));
    }

private:
    using Change = detail::DictChange;

    /// A V out of what there is. Errors: buffer_too_short, corrupt.
    static Status read(V& to, const void* value, std::size_t bytes) noexcept {
        if (bytes > Value::room()) {
            return Error(Errc::buffer_too_short, 0, static_cast<std::int64_t>(bytes));
        }
        to = V();
        __builtin_memcpy(Value::buffer(to), value, bytes);
        return Value::filled(to, bytes);
    }
    struct Default {
        explicit Default(const V& otherwise) noexcept : value(otherwise) {}
        Status status;
        V value;
        Change decide(const void* found, std::size_t bytes) noexcept {
            if (found == nullptr) {
                return {Change::What::put, Value::data(value), Value::size(value)};
            }
            status = read(value, found, bytes);
            return {};
        }
    };
    template <class F>
    struct Updated {
        explicit Updated(F& function) noexcept : f(function) {}
        F& f;
        Status status;
        V value = V();
        Change decide(const void* found, std::size_t bytes) noexcept {
            value = V();
            status = found != nullptr ? read(value, found, bytes) : Status();
            if (!status.ok()) { return {}; }
            f(value);
            return {Change::What::put, Value::data(value), Value::size(value)};
        }
    };
    template <class Decider>
    Status change_by(const K& key, Decider& decider, Timeout timeout) const noexcept {
        const auto decide = [](void* context, const void* value, std::size_t bytes) noexcept {
            return static_cast<Decider*>(context)->decide(value, bytes);
        };
        // Where a core has to keep what there was.
        typename Core::template Former<Value::room()> former;
        return Core::change(kType, Key::data(key), Key::size(key), decide, &decider, former,
                            timeout);
    }
};

/// A dictionary in a Manager, in order of insertion as Python's. This is its handle: it may be
/// copied, sent, put into other objects of the manager; each copy names the same dictionary.
///
/// Memory: of each item 24 bytes, key and value, rounded up, in the manager. No heap.
/// Crash:  each call happens whole or not at all, whoever is killed at whatever instruction. No
///         other process is held up by a death.
/// Waits:  one process at a time is at work on a dictionary, for less than a microsecond as a rule;
///         one who is stopped (SIGSTOP) in the midst of it is waited for, until the timeout.
/// Callers: any process that has the manager, any thread. Not a signal handler.
template <class K, class V>
class Dict : public BasicDict<K, V, detail::DictHandle> {
public:
    Dict() noexcept = default;
    explicit Dict(const detail::ManagedHandle& handle) noexcept
        : BasicDict<K, V, detail::DictHandle>(detail::DictHandle{handle}) {}
};

/// What Dict::items() gives: a copy, to be walked over.
template <class K, class V>
class DictItems : public detail::DictCopy {
public:
    struct Item {
        K key = K();
        V value = V();
    };
    class Iterator {
    public:
        explicit Iterator(const unsigned char* at) noexcept : at_(at) {}
        Item operator*() const noexcept {
            const detail::DictCopy::Item bytes = item_at(at_);
            Item item;
            fill(item.key, bytes.key, bytes.key_bytes);
            fill(item.value, bytes.value, bytes.value_bytes);
            return item;
        }
        Iterator& operator++() noexcept {
            at_ = after(at_);
            return *this;
        }
        bool operator!=(const Iterator& other) const noexcept { return at_ != other.at_; }

    private:
        // What a stranger wrote, in a manager with a name, may be too long: then it is T().
        template <class T>
        static void fill(T& to, const void* from, std::size_t bytes) noexcept {
            if (bytes > detail::Element<T>::room()) { return; }
            __builtin_memcpy(detail::Element<T>::buffer(to), from, bytes);
            if (!detail::Element<T>::filled(to, bytes).ok()) { to = T(); }
        }
        const unsigned char* at_;
    };

    explicit DictItems(detail::DictCopy&& copy) noexcept : detail::DictCopy(std::move(copy)) {}
    std::size_t size() const noexcept { return count(); }
    Iterator begin() const noexcept { return Iterator(detail::DictCopy::begin()); }
    Iterator end() const noexcept { return Iterator(detail::DictCopy::end()); }
};

}  // namespace v0
}  // namespace brood

#endif
