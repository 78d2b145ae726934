// Pictures of a trace.
#ifndef BROOD_TOOLS_STUDY_PICTURE_HPP
#define BROOD_TOOLS_STUDY_PICTURE_HPP

#include <cstdio>

#include <tools/study/trace.hpp>

namespace tool {

/// What a process waits for, by the public call in which it sleeps.
enum class Waits { lock, event, data, process, work, other };
Waits kind_of(const Span& wait);

/// "Process-1 (ktv)", "supervisor".
std::string label_of(const TracedProcess& process);

/// The mutexes that a program's locks and semaphores are made of; nullptr: a private one of the
/// library's, which nobody needs to see.
const char* lock_of(const Span& hold);

/// Processes over time, as SVG.
void draw_timeline(const Trace& trace, const char* title, std::FILE* to);

/// Chrome's trace format, which ui.perfetto.dev opens.
void write_chrome_trace(const Trace& trace, std::FILE* to);

}  // namespace tool

#endif
