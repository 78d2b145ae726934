// The program of `make freestanding`: linked with the whole archive, but with no C++ library.
#include <brood/version.hpp>

int main() {
    return brood::version()[0] == '\0';
}
