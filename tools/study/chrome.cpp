// A trace in the format of Chrome's: a list of events, times in microseconds.
#include <tools/json_text.hpp>
#include <tools/study/picture.hpp>

namespace tool {
namespace {

class Events {
public:
    explicit Events(std::FILE* to) : to_(to) { std::fputs("{\"traceEvents\":[", to_); }
    ~Events() { std::fputs("\n],\"displayTimeUnit\":\"ms\"}\n", to_); }
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;

    void process(const TracedProcess& process) {
        begin("process_name", 'M', process.pid, 0);
        argument("name", label_of(process));
        std::fputs("}}", to_);
    }
    // Of one thread: they lie in each other.
    void span(const std::string& name, const char* category, int pid, const Span& span) {
        begin(name.c_str(), 'X', pid, span.begin);
        std::fprintf(to_, "\"in\":");
        print_json_text(to_, span.what.c_str());
        std::fprintf(to_, ",");
        argument("call", span.detail);
        std::fprintf(to_, "},\"dur\":%.3f,\"cat\":\"%s\"}", (span.end - span.begin) * 1e6,
                     category);
    }
    // Those that overlap.
    void hold(const std::string& name, int pid, const Span& span) {
        for (const char phase : {'b', 'e'}) {
            begin(name.c_str(), phase, pid, phase == 'b' ? span.begin : span.end);
            argument("mutex", span.what);
            std::fprintf(to_, "},\"cat\":\"holds\",\"id\":\"%d %s\"}", pid, span.what.c_str());
        }
    }
    void instant(const std::string& name, int pid, double time) {
        begin(name.c_str(), 'i', pid, time);
        std::fputs("},\"s\":\"p\"}", to_);
    }

private:
    void begin(const char* name, char phase, int pid, double time) {
        std::fprintf(to_, "%s\n{\"name\":", is_first_ ? "" : ",");
        is_first_ = false;
        print_json_text(to_, name);
        std::fprintf(to_, ",\"ph\":\"%c\",\"pid\":%d,\"tid\":%d,\"ts\":%.3f,\"args\":{", phase, pid,
                     pid, time * 1e6);
    }
    void argument(const char* name, const std::string& value) {
        std::fprintf(to_, "\"%s\":", name);
        print_json_text(to_, value.c_str());
    }

    std::FILE* to_;
    bool is_first_ = true;
};

// "futex" of "futex(0x7f00, ...) = 0 [4 us]".
std::string name_of(const std::string& call) {
    return call.substr(0, call.find('('));
}

}  // namespace

void write_chrome_trace(const Trace& trace, std::FILE* to) {
    Events events(to);
    for (const TracedProcess& process : trace.processes) {
        events.process(process);
        for (const Span& run : process.runs) { events.span(run.what, "runs", process.pid, run); }
        for (const Span& call : process.calls) {
            events.span(name_of(call.detail), "call", process.pid, call);
        }
        for (const Span& wait : process.waits) {
            if (wait.is_cut) { events.span(name_of(wait.detail), "call", process.pid, wait); }
        }
        for (const Span& hold : process.holds) {
            const char* const lock = lock_of(hold);
            events.hold(lock != nullptr ? lock : "mutex", process.pid, hold);
        }
        if (process.how == End::killed) {
            events.instant("killed by " + process.status, process.pid, process.end);
        }
    }
}

}  // namespace tool
