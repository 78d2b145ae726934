// The lines that `brood ps` prints.
#ifndef BROOD_TOOLS_PS_FORMAT_HPP
#define BROOD_TOOLS_PS_FORMAT_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include <brood/pool_view.hpp>

namespace tool {

/// What is known of one pool.
struct PoolLine {
    brood::PoolReport report;
    char program[32];  ///< Its host's; "" if that cannot be known.
    const brood::WorkerStats* workers;
    std::size_t worker_count;
};

/// How much of the whole, 0 to 100; -1 if there is nothing to do.
int percentage(std::uint64_t done, std::uint64_t total) noexcept;

/// Each line ends with `end`. The head is printed before the first pool.
void print_head(std::FILE* to, const char* end) noexcept;
void print_pool(std::FILE* to, const PoolLine& pool, const char* end) noexcept;
/// As a JSON object, without an end of line. Bytes of names that are no UTF-8 become U+FFFD.
void print_json(std::FILE* to, const PoolLine& pool) noexcept;

}  // namespace tool

#endif
