// A mode that the umask does not change, for what POSIX gives no descriptor of. For port/ only.
#ifndef BROOD_PORT_POSIX_UMASK_HPP
#define BROOD_PORT_POSIX_UMASK_HPP

#include <sys/stat.h>

namespace brood::port::detail {

/// While it lives, what is made gets all of `mode` that is asked for, and nothing else: so what
/// another thread makes meanwhile may get fewer rights than it asked for, or more than its umask
/// leaves, but none beyond `mode`. If killed meanwhile: the umask went with the process.
class ExactMode {
public:
    explicit ExactMode(mode_t mode) noexcept : before_(::umask(~mode & 0777)) {}
    ~ExactMode() noexcept { (void)::umask(before_); }
    ExactMode(const ExactMode&) = delete;
    ExactMode& operator=(const ExactMode&) = delete;

private:
    mode_t before_;
};

}  // namespace brood::port::detail

#endif
