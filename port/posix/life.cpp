// Lives of threads without a robust list of our own: a robust mutex, held for as long as it lasts.
#include <errno.h>
#include <pthread.h>

#include <port/port.hpp>

#include "errors.hpp"

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

static_assert(sizeof(pthread_mutex_t) <= sizeof(Life::port_private), "no room for the mutex");
static_assert(offsetof(Life, port_private) % alignof(pthread_mutex_t) == 0);

pthread_mutex_t* native(Life& life) noexcept {
    return reinterpret_cast<pthread_mutex_t*>(life.port_private);
}

int init_with(pthread_mutexattr_t& attributes, pthread_mutex_t* mutex) noexcept {
    int err = ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (err == 0) { err = ::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK); }
    if (err == 0) { err = ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST); }
    return err == 0 ? ::pthread_mutex_init(mutex, &attributes) : err;
}

}  // namespace

Status life_init(Life& life) noexcept {
    pthread_mutexattr_t attributes;
    int err = ::pthread_mutexattr_init(&attributes);
    if (err != 0) { return detail::error_of(err); }
    err = init_with(attributes, native(life));
    (void)::pthread_mutexattr_destroy(&attributes);
    if (err != 0) { return detail::error_of(err); }
    return {};
}

Status life_begin(Life& life) noexcept {
    const int err = ::pthread_mutex_trylock(native(life));
    if (err == 0) { return {}; }
    if (err == EBUSY) { return Errc::would_block; }
    if (err != EOWNERDEAD) { return detail::error_of(err); }
    // If killed before this: the next finds the owner dead, too.
    (void)::pthread_mutex_consistent(native(life));
    return {};
}

void life_end(Life& life) noexcept {
    (void)::pthread_mutex_unlock(native(life));
}

// A look takes it for a moment. Another look, or a life_begin(), may find it taken meanwhile and
// hold the looker for the one that lives: the first looks again later, the second goes elsewhere.
bool life_is_over(Life& life) noexcept {
    const int err = ::pthread_mutex_trylock(native(life));
    if (err == EOWNERDEAD) { (void)::pthread_mutex_consistent(native(life)); }
    if (err != 0 && err != EOWNERDEAD) { return false; }
    (void)::pthread_mutex_unlock(native(life));
    return true;
}

void owe_ring(Bell&) noexcept {}
void owe_nothing() noexcept {}

bool rings_for_the_dead() noexcept {
    return false;
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
