#include "manager_views.hpp"

#include <new>
#include <utility>

#include "arena_objects.hpp"
#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

/// Calls f(the view as what it is of).
template <class F>
void with_object(ManagerView& view, F&& f) noexcept {
    switch (view.kind) {
        case ObjectKind::value:
        case ObjectKind::array: return f(view.as<Segment>());
        case ObjectKind::queue:
        case ObjectKind::joinable_queue: return f(view.as<RingHandle>());
        case ObjectKind::lock: return f(view.as<Lock>());
        case ObjectKind::rlock: return f(view.as<RLock>());
        case ObjectKind::semaphore: return f(view.as<Semaphore>());
        case ObjectKind::bounded_semaphore: return f(view.as<BoundedSemaphore>());
        case ObjectKind::condition: return f(view.as<Condition>());
        case ObjectKind::event: return f(view.as<Event>());
        case ObjectKind::barrier: return f(view.as<Barrier>());
        case ObjectKind::dict:
        case ObjectKind::list:
        case ObjectKind::none: return;
    }
}

void end_view(ManagerView& view) noexcept {
    with_object(view, [](auto& object) {
        using Object = std::remove_reference_t<decltype(object)>;
        object.Object::~Object();
    });
    view.handle = ManagedHandle();
    view.kind = ObjectKind::none;
}

template <class Object>
Status put_in(ManagerView& view, Result<Object> opened) noexcept {
    if (opened.ok()) { ::new (static_cast<void*>(view.object)) Object(std::move(*opened)); }
    return opened.status();
}

Status open_into(ManagerView& view, const ManagedHandle& handle, const ObjectType& type,
                 Timeout timeout) noexcept {
    switch (type.kind) {
        case ObjectKind::value:
        case ObjectKind::array: return put_in(view, open_managed_segment(handle, type, timeout));
        case ObjectKind::queue:
        case ObjectKind::joinable_queue:
            return put_in(view, open_managed_ring(handle, type, timeout));
        case ObjectKind::lock: return put_in(view, open_managed<Lock>(handle, timeout));
        case ObjectKind::rlock: return put_in(view, open_managed<RLock>(handle, timeout));
        case ObjectKind::semaphore: return put_in(view, open_managed<Semaphore>(handle, timeout));
        case ObjectKind::bounded_semaphore:
            return put_in(view, open_managed<BoundedSemaphore>(handle, timeout));
        case ObjectKind::condition: return put_in(view, open_managed<Condition>(handle, timeout));
        case ObjectKind::event: return put_in(view, open_managed<Event>(handle, timeout));
        case ObjectKind::barrier: return put_in(view, open_managed<Barrier>(handle, timeout));
        case ObjectKind::dict:
        case ObjectKind::list:
        case ObjectKind::none: break;
    }
    return Errc::bad_argument;
}

/// Whether the object is there, and of that type.
Status look_at(const ManagedHandle& handle, const ObjectType& type, Timeout timeout) noexcept {
    const std::int64_t deadline_ns = deadline_of(timeout);
    if (deadline_ns < 0) { return deadline_error(deadline_ns); }
    return HeldObject(handle, type, deadline_ns).status();
}

}  // namespace

ManagerView* ManagerViews::find(const ManagedHandle& handle) noexcept {
    for (ManagerView& view : views_) {
        if (view.kind != ObjectKind::none && view.handle == handle) { return &view; }
    }
    return nullptr;
}

ManagerView* ManagerViews::blank(Timeout timeout) noexcept {
    for (ManagerView& view : views_) {
        if (view.kind == ObjectKind::none) { return &view; }
    }
    // Those whose objects others have dropped. What is left of these goes to another of its like,
    // so what was held by them is given back.
    ManagerView* free = nullptr;
    for (ManagerView& view : views_) {
        if (look_at(view.handle, ObjectType(), timeout).code() != Errc::closed) { continue; }
        end_view(view);
        free = &view;
    }
    return free;
}

Result<ManagerView*> ManagerViews::open(const ManagedHandle& handle, const ObjectType& type,
                                        Timeout timeout) noexcept {
    ManagerView* view = find(handle);
    if (view != nullptr) {
        const Status looked = look_at(handle, type, timeout);
        if (looked.code() == Errc::closed) { end_view(*view); }
        if (!looked.ok()) { return looked.error(); }
        // Of a manager with a name, strangers may have changed what its objects are.
        if (view->kind != type.kind) { return Errc::corrupt; }
        return view;
    }
    view = blank(timeout);
    if (view == nullptr) { return Errc::full; }
    const Status opened = open_into(*view, handle, type, timeout);
    if (!opened.ok()) { return opened.error(); }
    view->handle = handle;
    view->kind = type.kind;
    return view;
}

void ManagerViews::forget(const ManagedHandle& handle) noexcept {
    ManagerView* const view = find(handle);
    if (view != nullptr) { end_view(*view); }
}

void ManagerViews::forget_all() noexcept {
    for (ManagerView& view : views_) {
        if (view.kind != ObjectKind::none) { end_view(view); }
    }
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
