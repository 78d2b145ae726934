// What the harness says: progress on a terminal, faults with the line of the source they lie in.
#ifndef BROOD_TEST_CRASH_REPORT_HPP
#define BROOD_TEST_CRASH_REPORT_HPP

#include "stage.hpp"
#include "tracee.hpp"

namespace crash {

/// One line on a terminal, over the one before; nothing elsewhere.
void progress(const char* scene, const char* what, std::size_t done, std::size_t all);
void clear_progress();
void report_fault(const char* scene, const char* what, const Point& point, std::size_t later,
                  Fault fault, const char* complaint);

}  // namespace crash

#endif
