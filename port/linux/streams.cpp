// The C library's standard streams.
#include <stdio.h>
#include <stdio_ext.h>

#include <port/port.hpp>

// Weak: a static program that never uses a stream has none to flush, and should not get one, with
// its buffer and its locks, only because we asked. The functions are not weak: in a static program
// that only prints, fflush() would be missing although its streams are there.
#pragma weak stdout
#pragma weak stderr

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

// A look only, without the stream's lock: around a fork each page that is written is copied, which
// costs about a microsecond on either side. Nor by a call, where the libc shows what it has: each
// child would touch one more page of the libc, at the same cost. Not inline: there are four places.
[[gnu::noinline]] bool holds_output(FILE* const* stream) noexcept {
    if (stream == nullptr) { return false; }
#ifdef __GLIBC__
    return (*stream)->_IO_write_ptr > (*stream)->_IO_write_base;
#else
    return ::__fpending(*stream) > 0;
#endif
}

bool flush(FILE* const* stream) noexcept {
    return !holds_output(stream) || ::fflush(*stream) == 0;
}

void discard(FILE* const* stream) noexcept {
    if (holds_output(stream)) { ::__fpurge(*stream); }  // Takes no lock: the holder may be no more.
}

}  // namespace

// Not fflush(nullptr): it locks every stream, and hangs while some thread blocks in reading stdin.
bool flush_streams() noexcept {
    const bool output = flush(&stdout);
    const bool error = flush(&stderr);
    return output && error;
}

void discard_streams() noexcept {
    discard(&stdout);
    discard(&stderr);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
