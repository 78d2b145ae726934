// What the harness says: progress on a terminal, faults with the line of the source they lie in.
#ifndef BROOD_TEST_CRASH_REPORT_HPP
#define BROOD_TEST_CRASH_REPORT_HPP

#include "stage.hpp"
#include "tracee.hpp"

namespace crash {

/// One line on a terminal, over the one before; nothing elsewhere.
void progress(const char* scene, const char* what, std::size_t done, std::size_t all);
void clear_progress();
/// Before other processes are started that report, too.
void open_ledger();
/// Says what was found wrong, now and once more at the end.
void report_fault(const char* scene, const char* what, const Point& point, std::size_t later,
                  Fault fault, const char* complaint, const char* picture);
/// All that any of them reported, for who reads the end of a long log. Nothing if there is nothing.
void repeat_reports();

}  // namespace crash

#endif
