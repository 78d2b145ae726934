// Processes over time: a row for each, a bar from its begin to its end, in colours that the
// colour-blind tell apart (Okabe and Ito's), and which differ in pattern, too.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include <tools/study/picture.hpp>
#include <tools/xml_text.hpp>

namespace tool {
namespace {

constexpr double kLeft = 210, kPlot = 860, kRight = 80, kTop = 54;
constexpr double kRow = 34, kBar = 17, kStrip = 10, kLetter = 6.1;
constexpr double kLeast = 0.7;  // Narrower things are not drawn.

struct Style {
    const char* id;  // of its pattern; "" has none
    const char* colour;
    const char* line;  // of the pattern
    const char* legend;
};
enum StyleIndex { kRuns, kTask, kLock, kEvent, kData, kProcess, kWork, kOther, kHolds, kStyles };
constexpr Style kStyle[kStyles] = {
    {"", "#56b4e9", "", "in its own code"},
    {"", "#009e73", "", "in a task"},
    {"lock", "#f6c65b", "#9a6700", "waits for a lock or a permit"},
    {"event", "#e7b6d3", "#8a3b6b", "waits for an event"},
    {"data", "#f7f0a0", "#8f8600", "waits for a message"},
    {"process", "#d5d5d5", "#777777", "waits for another process"},
    {"work", "#ffffff", "#aaaaaa", "waits for work"},
    {"other", "#ffffff", "#444444", "waits, otherwise"},
    {"", "#0b4f8a", "", "holds a lock or a permit"},
};

StyleIndex style_of(const Span& wait) {
    switch (kind_of(wait)) {
        case Waits::lock: return kLock;
        case Waits::event: return kEvent;
        case Waits::data: return kData;
        case Waits::process: return kProcess;
        case Waits::work: return kWork;
        default: return kOther;
    }
}

class Timeline {
public:
    Timeline(const Trace& trace, std::FILE* to) : trace_(trace), to_(to) {
        total_ = std::max(trace.end, 1e-6);
        unit_ = total_ < 1e-3 ? 1e6 : total_ < 1 ? 1e3 : 1;
        name_locks();
    }

    void draw(const char* title) {
        const double rows = static_cast<double>(trace_.processes.size()) * kRow;
        height_ = kTop + rows + 46 + 2 * 22 + 12;
        open(title);
        for (std::size_t i = 0; i < trace_.processes.size(); i += 2) {
            std::fprintf(to_,
                         "<rect x=\"0\" y=\"%.1f\" width=\"100%%\" height=\"%.1f\" "
                         "fill=\"#f6f6f4\"/>\n",
                         y_of(i) - 5, kRow);
        }
        axis(kTop, rows);
        for (std::size_t i = 0; i < trace_.processes.size(); ++i) { birth(i); }
        for (std::size_t i = 0; i < trace_.processes.size(); ++i) { row(i); }
        legend(kTop + rows + 58);
        std::fputs("</svg>\n", to_);
    }

private:
    double x_of(double time) const { return kLeft + kPlot * time / total_; }
    static double y_of(std::size_t row) { return kTop + static_cast<double>(row) * kRow; }

    void text(double x, double y, const char* attributes, const std::string& words) {
        std::fprintf(to_, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
        print_xml_text(to_, words.c_str());
        std::fputs("</text>\n", to_);
    }
    void open(const char* title) {
        std::fprintf(to_,
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
                     "viewBox=\"0 0 %.0f %.0f\" font-family=\"DejaVu Sans, Verdana, sans-serif\" "
                     "font-size=\"11\" fill=\"#222\">\n<defs>\n",
                     kLeft + kPlot + kRight, height_, kLeft + kPlot + kRight, height_);
        int turn = 0;
        for (const Style& style : kStyle) {
            if (style.id[0] == '\0') { continue; }
            std::fprintf(to_,
                         "<pattern id=\"%s\" width=\"7\" height=\"7\" patternUnits="
                         "\"userSpaceOnUse\" patternTransform=\"rotate(%d)\"><rect width=\"7\" "
                         "height=\"7\" fill=\"%s\"/><path d=\"M0 0H7\" stroke=\"%s\" "
                         "stroke-width=\"1.4\"/></pattern>\n",
                         style.id, turn, style.colour, style.line);
            turn += 36;
        }
        std::fputs("</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", to_);
        char count[80];
        std::snprintf(count, sizeof(count), ": %zu processes in %.3g %s", trace_.processes.size(),
                      total_ * unit_, unit_name());
        text(kLeft, 28, "font-size=\"16\" font-weight=\"bold\"", std::string(title) + count);
    }

    const char* unit_name() const { return unit_ == 1 ? "s" : unit_ == 1e3 ? "ms" : "µs"; }

    void axis(double y, double rows) {
        const double most = total_ * unit_;
        double step = std::pow(10, std::floor(std::log10(most / 8)));
        for (const double factor : {2.0, 2.5, 2.0}) {
            if (most / step > 12) { step *= factor; }
        }
        for (double at = 0; at <= most * 1.0001; at += step) {
            const double x = x_of(at / unit_);
            std::fprintf(to_,
                         "<path d=\"M%.1f %.1fV%.1f\" stroke=\"#d9d9d9\" stroke-width=\"1\"/>\n", x,
                         y, y + rows + 4);
            char number[32];
            std::snprintf(number, sizeof(number), "%.6g", at);
            text(x, y + rows + 18, "text-anchor=\"middle\"", number);
        }
        std::fprintf(to_, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#222\"/>\n", kLeft, y + rows + 4,
                     kLeft + kPlot);
        text(kLeft + kPlot / 2, y + rows + 36, "text-anchor=\"middle\"",
             std::string("time since the program began (") + unit_name() + ")");
    }

    // From the parent's bar to the child's.
    void birth(std::size_t index) {
        const TracedProcess& child = trace_.processes[index];
        for (std::size_t i = 0; i < trace_.processes.size(); ++i) {
            if (child.parent == 0 || trace_.processes[i].pid != child.parent) { continue; }
            std::fprintf(to_,
                         "<path d=\"M%.1f %.1fV%.1fh4\" stroke=\"#999\" stroke-width=\"0.8\" "
                         "fill=\"none\"/>\n",
                         x_of(child.begin) - 2, y_of(i) + kBar, y_of(index) + kBar / 2);
        }
    }

    void bar(double begin, double end, double y, double bytes, StyleIndex style,
             const std::string& words) {
        const double x = x_of(begin), width = x_of(end) - x;
        if (width < kLeast) { return; }
        used_[style] = true;
        const Style& how = kStyle[style];
        std::fprintf(to_, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"", x,
                     y, width, bytes);
        std::fprintf(to_, how.id[0] == '\0' ? "%s" : "url(#%s)",
                     how.id[0] == '\0' ? how.colour : how.id);
        std::fprintf(to_, "\"%s><title>",
                     style == kRuns ? "" : " stroke=\"#444\" stroke-width=\"0.5\"");
        print_xml_text(to_, (words.empty() ? how.legend : words).c_str());
        std::fprintf(to_, " (%.6g %s)</title></rect>\n", (end - begin) * unit_, unit_name());
        const bool is_small = bytes < kBar;
        const double letter = is_small ? 4.9 : kLetter, room = width - 6;
        if (words.empty() || static_cast<double>(words.size()) * letter > room) { return; }
        const bool is_dark = style == kTask || style == kHolds;
        char attributes[200];
        std::snprintf(attributes, sizeof(attributes), "font-size=\"%s\" fill=\"%s\"%s",
                      is_small ? "8" : "10", is_dark ? "#fff" : "#111",
                      how.id[0] == '\0' ? ""
                                        : " paint-order=\"stroke\" stroke=\"#fff\" "
                                          "stroke-width=\"3\" stroke-linejoin=\"round\"");
        text(x + 4, y + bytes - (is_small ? 2.3 : 5), attributes, words);
    }

    // A call that looks for what it waits for, and sleeps again, waits once.
    std::vector<Span> joined(const std::vector<Span>& waits) const {
        const double least = kLeast * total_ / kPlot;
        std::vector<Span> all;
        for (const Span& wait : waits) {
            const bool goes_on = !all.empty() && all.back().what == wait.what &&
                                 wait.begin - all.back().end < least;
            if (goes_on) {
                all.back().end = wait.end;
            } else {
                all.push_back(wait);
            }
        }
        return all;
    }

    // Where it woke somebody: "futex(..., FUTEX_WAKE..., ...) = 1".
    void wakes(const TracedProcess& process, double y) {
        double last = -1;
        for (const Span& call : process.calls) {
            const std::string& text = call.detail;
            if (kind_of(call) == Waits::work || text.find("FUTEX_WAKE") == std::string::npos ||
                std::atoi(text.c_str() + text.rfind(" = ") + 3) <= 0) {
                continue;
            }
            const double x = x_of(call.end);
            if (last >= 0 && x - last < 2) { continue; }
            last = x;
            std::fprintf(to_, "<path d=\"%s\" fill=\"#111\"><title>", arrow(x, y - 3.5).c_str());
            print_xml_text(to_, (call.what + " wakes another").c_str());
            std::fputs("</title></path>\n", to_);
            has_wake_ = true;
        }
    }
    static std::string arrow(double x, double y) {
        char path[80];
        std::snprintf(path, sizeof(path), "M%.1f %.1fh7l-3.5 6z", x - 3.5, y);
        return path;
    }

    void row(std::size_t index) {
        const TracedProcess& process = trace_.processes[index];
        const double y = y_of(index);
        text(kLeft - 54, y + 12.5, "text-anchor=\"end\"", label_of(process));
        text(kLeft - 10, y + 12.5, "text-anchor=\"end\" fill=\"#777\" font-size=\"9\"",
             std::to_string(process.pid));
        // One that is only a moment long shall be seen, too.
        const double least = 2 * total_ / kPlot;
        bar(process.begin, std::max(process.end, process.begin + least), y, kBar, kRuns, "");
        if (process.is_worker()) {
            for (const Span& run : process.runs) {
                bar(run.begin, run.end, y, kBar, kTask, run.what);
            }
        }
        for (const Span& wait : joined(process.waits)) {
            const StyleIndex style = style_of(wait);
            bar(wait.begin, wait.end, y, kBar, style, style == kWork ? "" : wait.what);
        }
        for (const Span& hold : process.holds) {
            const std::string name = hold_name(hold);
            if (!name.empty()) { bar(hold.begin, hold.end, y + kBar + 1, kStrip, kHolds, name); }
        }
        wakes(process, y);
        if (process.how == End::killed) { death(process, y); }
    }

    void death(const TracedProcess& process, double y) {
        const double x = x_of(process.end), middle = y + kBar / 2, arm = 7;
        std::fprintf(to_,
                     "<path d=\"M%.1f %.1fl%.1f %.1fm0 %.1fl%.1f %.1f\" stroke=\"#fff\" "
                     "stroke-width=\"6\" stroke-linecap=\"round\"/>\n"
                     "<path d=\"M%.1f %.1fl%.1f %.1fm0 %.1fl%.1f %.1f\" stroke=\"#d55e00\" "
                     "stroke-width=\"3.4\" stroke-linecap=\"round\"/>\n",
                     x - arm, middle - arm, 2 * arm, 2 * arm, -2 * arm, -2 * arm, 2 * arm, x - arm,
                     middle - arm, 2 * arm, 2 * arm, -2 * arm, -2 * arm, 2 * arm);
        text(x + arm + 4, y + 12.5, "fill=\"#a04000\" font-weight=\"bold\" font-size=\"10\"",
             process.status);
        has_death_ = true;
    }

    // "Lock"; where there are several, "Lock 2".
    struct Named {
        std::string address, type;
        int number;
    };
    void name_locks() {
        for (const TracedProcess& process : trace_.processes) {
            for (const Span& hold : process.holds) {
                const char* const type = lock_of(hold);
                if (type == nullptr || named(hold.what) != nullptr) { continue; }
                locks_.push_back({hold.what, type, count_of(type) + 1});
            }
        }
    }
    const Named* named(const std::string& address) const {
        for (const Named& lock : locks_) {
            if (lock.address == address) { return &lock; }
        }
        return nullptr;
    }
    int count_of(const std::string& type) const {
        return static_cast<int>(std::count_if(
            locks_.begin(), locks_.end(), [&](const Named& lock) { return lock.type == type; }));
    }
    std::string hold_name(const Span& hold) const {
        const Named* const lock = named(hold.what);
        if (lock == nullptr || lock_of(hold) == nullptr) { return std::string(); }
        if (lock->type.find("Semaphore") != std::string::npos) {
            return "permit " + std::to_string(lock->number);
        }
        return count_of(lock->type) == 1 ? lock->type
                                         : lock->type + " " + std::to_string(lock->number);
    }

    void legend(double y) {
        double x = kLeft;
        const auto next = [&](double width) {
            x += width;
            if (x < kLeft + kPlot - 160) { return; }
            x = kLeft;
            y += 22;
        };
        for (int i = 0; i < kStyles; ++i) {
            if (!used_[i]) { continue; }
            const Style& style = kStyle[i];
            const double high = i == kHolds ? kStrip : 14;
            std::fprintf(to_, "<rect x=\"%.1f\" y=\"%.1f\" width=\"22\" height=\"%.1f\" fill=\"", x,
                         y + (14 - high) / 2, high);
            std::fprintf(to_, style.id[0] == '\0' ? "%s" : "url(#%s)",
                         style.id[0] == '\0' ? style.colour : style.id);
            std::fputs("\" stroke=\"#444\" stroke-width=\"0.5\"/>\n", to_);
            text(x + 28, y + 11, "", style.legend);
            next(28 + static_cast<double>(std::strlen(style.legend)) * 6.6 + 24);
        }
        if (has_wake_) {
            std::fprintf(to_, "<path d=\"%s\" fill=\"#111\"/>\n", arrow(x + 11, y + 4).c_str());
            text(x + 28, y + 11, "", "wakes another");
            next(140);
        }
        if (!has_death_) { return; }
        std::fprintf(to_,
                     "<path d=\"M%.1f %.1fl10 10m0 -10l-10 10\" stroke=\"#d55e00\" "
                     "stroke-width=\"3\" stroke-linecap=\"round\"/>\n",
                     x + 6, y + 2);
        text(x + 28, y + 11, "", "killed");
    }

    const Trace& trace_;
    std::FILE* to_;
    double total_ = 0, unit_ = 1, height_ = 0;
    bool used_[kStyles] = {};
    bool has_death_ = false, has_wake_ = false;
    std::vector<Named> locks_;
};

}  // namespace

void draw_timeline(const Trace& trace, const char* title, std::FILE* to) {
    Timeline(trace, to).draw(title);
}

}  // namespace tool
