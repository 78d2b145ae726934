#include <tools/sched/jobs.hpp>

#include <cerrno>
#include <cstring>

namespace tool::sched {
namespace {

/// Digits at `text`, up to the first that is none, which is returned; null: there are none, or they
/// say more than kTicksMax.
const char* parse_ticks(const char* text, std::int64_t& ticks) noexcept {
    ticks = 0;
    const char* at = text;
    for (; *at >= '0' && *at <= '9'; ++at) {
        ticks = ticks * 10 + (*at - '0');
        if (ticks > Jobs::kTicksMax) { return nullptr; }
    }
    return at == text ? nullptr : at;
}

/// null if the job is understood; otherwise what is wrong with it.
const char* parse(const char* text, Job& job) noexcept {
    const char* at = std::strchr(text, ':');
    if (at == nullptr || at == text) { return "a job is NAME:ARRIVAL:CPU[,I/O,CPU]..."; }
    const auto length = static_cast<std::size_t>(at - text);
    if (length > Job::kNameMax) { return "its name has more than 15 letters"; }
    std::memcpy(job.name, text, length);
    job.name[length] = '\0';

    at = parse_ticks(at + 1, job.arrival);
    if (at == nullptr || *at != ':') {
        return "its arrival must be a number of ticks, up to 100000";
    }
    for (job.burst_count = 0; *at != '\0';) {
        if (*at != (job.burst_count == 0 ? ':' : ',')) {
            return "between its bursts must be commas";
        }
        if (job.burst_count == Job::kBurstsMax) { return "it has more than 31 bursts"; }
        std::int64_t& burst = job.bursts[job.burst_count++];
        at = parse_ticks(at + 1, burst);
        if (at == nullptr || burst == 0) { return "each burst must be 1 to 100000 ticks"; }
    }
    return job.burst_count % 2 == 1 ? nullptr : "its last burst must be one of the CPU, not I/O";
}

std::int64_t total_ticks(const Jobs& jobs) noexcept {
    std::int64_t total = 0, last = 0;
    for (std::size_t i = 0; i < jobs.count; ++i) {
        const Job& job = jobs.list[i];
        last = job.arrival > last ? job.arrival : last;
        for (std::size_t b = 0; b < job.burst_count; ++b) { total += job.bursts[b]; }
    }
    return last + total;
}

bool is_known(const Jobs& jobs, const char* name) noexcept {
    for (std::size_t i = 0; i < jobs.count; ++i) {
        if (std::strcmp(jobs.list[i].name, name) == 0) { return true; }
    }
    return false;
}

/// Cuts a line at its comment and drops the blanks around it.
char* trimmed(char* line) noexcept {
    line[std::strcspn(line, "#\n")] = '\0';
    char* const begin = line + std::strspn(line, " \t\r");
    std::size_t length = std::strlen(begin);
    while (length > 0 && std::strchr(" \t\r", begin[length - 1]) != nullptr) { --length; }
    begin[length] = '\0';
    return begin;
}

}  // namespace

bool add_job(Jobs& jobs, const char* text, const char* where) noexcept {
    Job job;
    const char* wrong = jobs.count == Jobs::kMax ? "there are 24 jobs already" : parse(text, job);
    if (wrong == nullptr && is_known(jobs, job.name)) { wrong = "there is a job of this name"; }
    if (wrong == nullptr) {
        jobs.list[jobs.count++] = job;
        if (total_ticks(jobs) <= Jobs::kTicksMax) { return true; }
        --jobs.count;
        wrong = "with it all jobs take more than 100000 ticks";
    }
    std::fprintf(stderr, "%s: '%s': %s\n", where, text, wrong);
    return false;
}

bool add_jobs_of_file(Jobs& jobs, const char* path) noexcept {
    const bool is_input = std::strcmp(path, "-") == 0;
    std::FILE* const file = is_input ? stdin : std::fopen(path, "re");
    bool good = file != nullptr;
    char line[512];
    for (int number = 1; good && std::fgets(line, sizeof line, file) != nullptr; ++number) {
        char where[300];
        std::snprintf(where, sizeof where, "%s:%d", is_input ? "standard input" : path, number);
        if (std::strchr(line, '\n') == nullptr && std::strlen(line) == sizeof line - 1) {
            std::fprintf(stderr, "%s: the line is longer than %zu bytes\n", where, sizeof line - 2);
            good = false;
            break;
        }
        const char* const text = trimmed(line);
        good = *text == '\0' || add_job(jobs, text, where);
    }
    if (file == nullptr || std::ferror(file) != 0) {
        std::fprintf(stderr, "brood sched: %s: %s\n", path, std::strerror(errno));
        good = false;
    }
    if (file != nullptr && !is_input) { std::fclose(file); }
    return good;
}

}  // namespace tool::sched
