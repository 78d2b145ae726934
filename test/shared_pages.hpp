// Memory that the processes of a harness share.
#ifndef BROOD_TEST_SHARED_PAGES_HPP
#define BROOD_TEST_SHARED_PAGES_HPP

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cstddef>

namespace test {

/// Memory that processes forked later share, zeroed, there once it is touched. Ends the program if
/// there is none.
inline void* shared_pages(std::size_t bytes) {
    void* const pages =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        fprintf(stderr, "%s: shared memory: %s\n", program_invocation_short_name, strerror(errno));
        exit(2);
    }
    return pages;
}

}  // namespace test

#endif
