#include <tools/command.hpp>

#include <cstdio>

#include <brood/version.hpp>

namespace tool {

Parsed refuse_usage(const char* name) noexcept {
    std::fprintf(stderr, "Try 'brood %s --help'.\n", name);
    return Parsed::refused;
}

Parsed print_version() noexcept {
    std::printf("brood %s\n", brood::version());
    return Parsed::finished;
}

}  // namespace tool
