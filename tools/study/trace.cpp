#include <tools/study/trace.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace tool {
namespace {

/// What is behind `text` in `line`; nullptr: it is not there.
const char* behind(const char* line, const char* text) {
    const char* const found = std::strstr(line, text);
    return found == nullptr ? nullptr : found + std::strlen(text);
}

/// What stands between quotes.
std::string quoted(const char* text) {
    const char* const open = std::strchr(text, '"');
    const char* const close = open == nullptr ? nullptr : std::strchr(open + 1, '"');
    return close == nullptr ? std::string() : std::string(open + 1, close);
}

class Reader {
public:
    explicit Reader(Trace& trace) : trace_(trace) {}

    void line(const char* text) {
        char* rest = nullptr;
        const double time = std::strtod(text, &rest);
        if (rest == text || *rest != ' ') { return; }
        const char* const number = rest + 1;
        const long pid = std::strtol(number, &rest, 10);
        if (rest == number || *rest != ' ' || pid <= 0) { return; }
        const char* const content = rest + 1;
        const char* const call = behind(content, "-> ");
        const char* const mark = call == nullptr ? behind(content, "-- ") : nullptr;
        if (call == nullptr && mark == nullptr) { return; }
        if (trace_.processes.empty()) { start_ = time; }
        const double at = time - start_;
        trace_.end = std::max(trace_.end, at);
        TracedProcess& process = known(static_cast<int>(pid), at);
        if (process.how == End::unknown) { process.end = at; }
        const char* const until = call != nullptr ? call - 3 : mark - 3;
        std::string caller(content, until);
        if (!caller.empty()) { caller.pop_back(); }  // The blank.
        if (call != nullptr) {
            take_call(static_cast<int>(pid), at, caller, call);
        } else {
            take_mark(process, at, caller, mark);
        }
    }

private:
    TracedProcess& known(int pid, double at) {
        TracedProcess* const found = trace_.find(pid);
        if (found != nullptr) { return *found; }
        trace_.processes.emplace_back();
        TracedProcess& process = trace_.processes.back();
        process.pid = pid;
        process.begin = process.end = at;
        return process;
    }

    // "futex(0x7f00, ...) = 1 [4 us]"; "... ..." before it begins; "... = ?" if it does not return.
    void take_call(int pid, double at, const std::string& caller, const char* text) {
        const std::string whole(text);
        const bool begins = whole.size() > 4 && whole.compare(whole.size() - 4, 4, " ...") == 0;
        const std::size_t equals = whole.rfind(" = ");
        if (begins && whole.compare(0, 7, "execve(") == 0) { return; }  // It is no wait.
        if (begins) {
            TracedProcess& process = *trace_.find(pid);
            Span span;
            span.begin = span.end = at;
            span.what = caller;
            span.detail = whole.substr(0, whole.size() - 4);
            span.is_cut = true;
            process.waits.push_back(span);
            return;
        }
        if (equals == std::string::npos) { return; }
        Span span;
        span.end = at;
        span.begin = at - span_of(whole);
        span.what = caller;
        span.detail = whole;
        note_children(pid, span, whole, equals);
        TracedProcess& process = *trace_.find(pid);
        if (whole.compare(0, 11, "exit_group(") == 0) {
            process.how = End::exited;
            process.status = std::to_string(std::atoi(whole.c_str() + 11));
        }
        process.calls.push_back(span);
        if (process.waits.empty() || !process.waits.back().is_cut) { return; }
        Span& wait = process.waits.back();
        wait.end = at;
        wait.detail = whole;
        wait.is_cut = false;
    }

    /// The time that it says to have taken.
    static double span_of(const std::string& text) {
        const std::size_t open = text.rfind('[');
        if (open == std::string::npos) { return 0; }
        char* rest = nullptr;
        const double value = std::strtod(text.c_str() + open + 1, &rest);
        return value * (std::strncmp(rest, " us", 3) == 0   ? 1e-6
                        : std::strncmp(rest, " ms", 3) == 0 ? 1e-3
                                                            : 1);
    }

    // Children that this call made, and what it says of their ends.
    void note_children(int pid, const Span& call, const std::string& text, std::size_t equals) {
        const bool forks = text.compare(0, 5, "fork(") == 0 || text.compare(0, 6, "clone(") == 0;
        const int result = std::atoi(text.c_str() + equals + 3);
        if (forks && result > 0) {
            TracedProcess& child = known(result, call.end);
            child.parent = pid;
            child.begin = std::min(child.begin, call.end);
        }
        const char* const told = behind(text.c_str(), "{pid ");
        if (told == nullptr) { return; }
        TracedProcess* const child = trace_.find(std::atoi(told));
        const char* const killer = behind(told, " killed by ");
        if (child == nullptr || child->how != End::unknown) { return; }
        child->how = killer != nullptr ? End::killed : End::exited;
        child->end = std::max(child->end, call.end);
        const char* const status = killer != nullptr ? killer : behind(told, " exited ");
        if (status != nullptr) { child->status.assign(status, std::strcspn(status, "}")); }
    }

    static void take_mark(TracedProcess& process, double at, const std::string& caller,
                          const char* mark) {
        Span span;
        span.begin = span.end = at;
        span.is_cut = true;
        if (std::strncmp(mark, "begins ", 7) == 0) {
            process.name = quoted(mark);
        } else if (std::strncmp(mark, "ends", 4) == 0) {
            process.how = End::exited;
        } else if (std::strncmp(mark, "runs ", 5) == 0) {
            span.what.assign(mark + 5, std::strcspn(mark + 5, " "));
            process.name = quoted(mark);
            if (process.function.empty()) { process.function = span.what; }
            process.runs.push_back(span);
        } else if (std::strncmp(mark, "has run", 7) == 0) {
            end_last(process.runs, at);
        } else if (std::strncmp(mark, "holds ", 6) == 0) {
            span.what = mark + 6;
            span.detail = caller;
            process.holds.push_back(span);
        } else if (std::strncmp(mark, "lets go of ", 11) == 0) {
            for (Span& hold : process.holds) {
                if (!hold.is_cut || hold.what != mark + 11) { continue; }
                hold.end = at;
                hold.is_cut = false;
            }
        }
    }

    static void end_last(std::vector<Span>& spans, double at) {
        if (spans.empty() || !spans.back().is_cut) { return; }
        spans.back().end = at;
        spans.back().is_cut = false;
    }

    Trace& trace_;
    double start_ = 0;
};

// What had not ended when its process did, ends with it.
void end_all(std::vector<Span>& spans, double at) {
    for (Span& span : spans) {
        if (span.is_cut) { span.end = at; }
    }
}

}  // namespace

TracedProcess* Trace::find(int pid) {
    for (TracedProcess& process : processes) {
        if (process.pid == pid) { return &process; }
    }
    return nullptr;
}

Trace read_trace(std::FILE* from) {
    Trace trace;
    Reader reader(trace);
    char* line = nullptr;
    std::size_t room = 0;
    for (ssize_t bytes = 0; (bytes = getline(&line, &room, from)) > 0;) {
        if (line[bytes - 1] != '\n') { continue; }  // A line is written whole, or not at all.
        line[bytes - 1] = '\0';
        reader.line(line);
    }
    std::free(line);
    for (TracedProcess& process : trace.processes) {
        end_all(process.waits, process.end);
        end_all(process.holds, process.end);
        end_all(process.runs, process.end);
    }
    return trace;
}

}  // namespace tool
