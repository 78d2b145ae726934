// Namespace: attributes that several processes share, as multiprocessing.Manager().Namespace().
#ifndef BROOD_NAME_SPACE_HPP
#define BROOD_NAME_SPACE_HPP

#include <utility>

#include <brood/detail/dict_handle.hpp>

namespace brood {
inline namespace v0 {

class NamespaceItems;

namespace detail {

/// A value as it lies there: its type, then its bytes.
template <class T>
struct TaggedValue {
    std::uint32_t type = Element<T>::type();
    unsigned char bytes[Element<T>::room()];

    void fill(const T& value) noexcept {
        __builtin_memcpy(bytes, Element<T>::data(value), Element<T>::size(value));
    }
    static std::size_t size(const T& value) noexcept {
        return sizeof type + Element<T>::size(value);
    }
    static Status read(T& to, const void* value, std::size_t size) noexcept {
        std::uint32_t is = 0;
        if (size < sizeof is) { return Errc::corrupt; }
        __builtin_memcpy(&is, value, sizeof is);
        if (is != Element<T>::type()) { return Errc::type_mismatch; }
        const std::size_t left = size - sizeof is;
        if (left > Element<T>::room()) {
            return Error(Errc::buffer_too_short, 0, static_cast<std::int64_t>(left));
        }
        to = T();
        __builtin_memcpy(Element<T>::buffer(to),
                         static_cast<const unsigned char*>(value) + sizeof is, left);
        return Element<T>::filled(to, left);
    }
};

}  // namespace detail

/// What Namespace and RemoteNamespace do, by a core: detail::DictHandle, detail::RemoteDictCore.
///
/// Names:  of 1 to 63 bytes.
/// Values: as those of Dict. Each is noted with its type, and read as that only: an integer of
///         another size or sign, or a struct of another size, is a type_mismatch.
/// Every call may say: closed, wrong_process, type_mismatch, timed_out, would_deadlock, corrupt, as
/// of a Dict; of one that has a name: name_empty, name_too_long.
template <class Core>
class BasicNamespace : public Core {
public:
    static constexpr std::size_t kNameMax = 63;
    using Name = Text<kNameMax + 1>;
    static constexpr detail::ObjectType kType = {detail::ObjectKind::dict,
                                                 {detail::Element<Name>::type(), 0}};

    BasicNamespace() noexcept = default;
    explicit BasicNamespace(const Core& core) noexcept : Core(core) {}

    /// ns.name = value, of any type, whatever it was before. Also says: no_space, no_memory
    /// (nothing has changed); closed (`value` is the handle of an object that is gone).
    template <class T>
    Status set(const char* name, const T& value,
               Timeout timeout = Timeout::forever()) const noexcept {
        const Result<std::size_t> length = length_of(name);
        if (!length.ok()) { return length.error(); }
        Tagged<T> tagged;
        tagged.fill(value);
        return Core::set(kType, name, *length, &tagged, tagged.size(value), timeout);
    }
    /// ns.name. Also says: not_found; type_mismatch (it is no T); buffer_too_short.
    template <class T>
    Result<T> get(const char* name, Timeout timeout = Timeout::forever()) const noexcept {
        Read<T> read;
        const Status done = change_by<T>(name, &Read<T>::decide, &read, timeout);
        if (!done.ok()) { return done.error(); }
        if (!read.status.ok()) { return read.status.error(); }
        return read.value;
    }
    /// ns.name = f(ns.name) as one step, which Python needs a lock for: calls f(T&) with the value,
    /// or with T() if there is none. Also says: type_mismatch (it is no T); as set().
    /// Killed here: it is as it was, or as f made it. f must not use this namespace.
    template <class T, class F>
    Status update(const char* name, F&& f, Timeout timeout = Timeout::forever()) const noexcept {
        static_assert(std::is_invocable_v<F&, T&>, "update<T>() calls f(T&)");
        Updated<T, F> updated{f};
        const Status done = change_by<T>(name, &Updated<T, F>::decide, &updated, timeout);
        return done.ok() ? updated.status : done;
    }
    /// hasattr(ns, name)
    Result<bool> contains(const char* name, Timeout timeout = Timeout::forever()) const noexcept {
        const Result<std::size_t> length = length_of(name);
        if (!length.ok()) { return length.error(); }
        return Core::has(kType, name, *length, timeout);
    }
    /// del ns.name. Also says: not_found.
    Status erase(const char* name, Timeout timeout = Timeout::forever()) const noexcept {
        const Result<std::size_t> length = length_of(name);
        if (!length.ok()) { return length.error(); }
        return Core::erase_key(kType, name, *length, timeout);
    }
    /// How many attributes it has.
    Result<std::size_t> size(Timeout timeout = Timeout::forever()) const noexcept {
        return Core::count(kType, timeout);
    }
    /// Also says: full (no object is left to gather them in; nothing has changed).
    Status clear(Timeout timeout = Timeout::forever()) const noexcept {
        return Core::clear(kType, timeout);
    }
    /// All attributes as they are at one moment, in order of making, for
    /// `for (const auto& item : items)`. A copy. Also says: no_memory.
    Result<NamespaceItems> items(Timeout timeout = Timeout::forever()) const noexcept;

private:
    using Change = detail::DictChange;

    static Result<std::size_t> length_of(const char* name) noexcept {
        std::size_t length = 0;
        if (name == nullptr || name[0] == '\0') { return Errc::name_empty; }
        while (name[length] != '\0') {
            if (++length > kNameMax) { return Errc::name_too_long; }
        }
        return length;
    }

    template <class T>
    using Tagged = detail::TaggedValue<T>;
    template <class T>
    struct Read {
        Status status = Errc::not_found;
        T value = T();
        static Change decide(void* context, const void* value, std::size_t bytes) noexcept {
            auto& self = *static_cast<Read*>(context);
            self.status = Errc::not_found;
            if (value != nullptr) { self.status = Tagged<T>::read(self.value, value, bytes); }
            return {};
        }
    };
    template <class T, class F>
    struct Updated {
        explicit Updated(F& function) noexcept : f(function) {}
        F& f;
        Status status;
        T value = T();
        Tagged<T> tagged;
        static Change decide(void* context, const void* value, std::size_t bytes) noexcept {
            auto& self = *static_cast<Updated*>(context);
            self.value = T();
            self.status = Errc::ok;
            if (value != nullptr) { self.status = Tagged<T>::read(self.value, value, bytes); }
            if (!self.status.ok()) { return {}; }
            self.f(self.value);
            self.tagged.fill(self.value);
            return {Change::What::put, &self.tagged, Tagged<T>::size(self.value)};
        }
    };
    template <class T>
    Status change_by(const char* name, detail::DictDecide decide, void* context,
                     Timeout timeout) const noexcept {
        const Result<std::size_t> length = length_of(name);
        if (!length.ok()) { return length.error(); }
        // Where a core has to keep what there was.
        typename Core::template Former<sizeof(Tagged<T>)> former;
        return Core::change(kType, name, *length, decide, context, former, timeout);
    }
};

/// Named values of different types in a Manager. This is its handle: it may be copied, sent, put
/// into other objects of the manager; each copy names the same namespace.
///
///     ns.set("x", 10);
///     int x = ns.get<int>("x").expect("reading x");
///
/// Memory: of each attribute 28 bytes, name and value, rounded up, in the manager. No heap.
/// Crash:  each call happens whole or not at all, whoever is killed at whatever instruction.
/// Callers: any process that has the manager, any thread. Not a signal handler.
class Namespace : public BasicNamespace<detail::DictHandle> {
public:
    Namespace() noexcept = default;
    explicit Namespace(const detail::ManagedHandle& handle) noexcept
        : BasicNamespace(detail::DictHandle{handle}) {}
};

/// What Namespace::items() gives: a copy, to be walked over.
class NamespaceItems : public detail::DictCopy {
public:
    struct Item {
        Namespace::Name name;
        const void* value;  // of the copy
        std::size_t bytes;
        /// Errors: type_mismatch, buffer_too_short, corrupt.
        template <class T>
        Result<T> get() const noexcept {
            T read = T();
            const Status status = detail::TaggedValue<T>::read(read, value, bytes);
            if (!status.ok()) { return status.error(); }
            return read;
        }
    };
    class Iterator {
    public:
        explicit Iterator(const unsigned char* at) noexcept : at_(at) {}
        Item operator*() const noexcept {
            const detail::DictCopy::Item bytes = item_at(at_);
            Item item = {Namespace::Name(), bytes.value, bytes.value_bytes};
            // A stranger's may be longer.
            const std::size_t most = Namespace::kNameMax;
            __builtin_memcpy(detail::Element<Namespace::Name>::buffer(item.name), bytes.key,
                             bytes.key_bytes < most ? bytes.key_bytes : most);
            return item;
        }
        Iterator& operator++() noexcept {
            at_ = after(at_);
            return *this;
        }
        bool operator!=(const Iterator& other) const noexcept { return at_ != other.at_; }

    private:
        const unsigned char* at_;
    };

    explicit NamespaceItems(detail::DictCopy&& copy) noexcept : detail::DictCopy(std::move(copy)) {}
    std::size_t size() const noexcept { return count(); }
    Iterator begin() const noexcept { return Iterator(detail::DictCopy::begin()); }
    Iterator end() const noexcept { return Iterator(detail::DictCopy::end()); }
};

template <class Core>
Result<NamespaceItems> BasicNamespace<Core>::items(Timeout timeout) const noexcept {
    Result<detail::DictCopy> copy = Core::copy(kType, timeout);
    if (!copy.ok()) { return copy.error(); }
    return NamespaceItems(std::move(*copy));
}

}  // namespace v0
}  // namespace brood

#endif
