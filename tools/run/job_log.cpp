#include <tools/run/job_log.hpp>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>

namespace tool::run {
namespace {

constexpr char kHead[] =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
constexpr int kFields = 9;

/// FNV-1a, never 0.
std::uint32_t hash_of(const char* text, std::size_t bytes) noexcept {
    std::uint32_t hash = 2166136261u;
    for (std::size_t i = 0; i < bytes; ++i) {
        hash = (hash ^ static_cast<unsigned char>(text[i])) * 16777619u;
    }
    return hash != 0 ? hash : 1;
}

}  // namespace

JobLog::~JobLog() {
    if (fd_ >= 0) { close(fd_); }
}

bool JobLog::complain(const char* what) const noexcept {
    std::fprintf(stderr, "brood run: %s: %s\n", path_, what);
    return false;
}

bool JobLog::open(const Options& options) noexcept {
    path_ = options.job_log;
    if (path_ == nullptr) { return true; }
    resume_ = options.resume;
    failed_too_ = !options.resume_failed;
    const int how = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | (resume_ ? 0 : O_TRUNC);
    fd_ = ::open(path_, how, 0666);
    if (fd_ < 0) { return complain(std::strerror(errno)); }
    if (resume_ && !load()) { return false; }
    if (lseek(fd_, 0, SEEK_END) > 0) { return true; }
    const auto bytes = static_cast<ssize_t>(sizeof kHead - 1);
    return ::write(fd_, kHead, sizeof kHead - 1) == bytes || complain(std::strerror(errno));
}

/// Reads all whole lines, and cuts off the rest.
bool JobLog::load() noexcept {
    std::FILE* const file = fdopen(dup(fd_), "r");
    if (file == nullptr) { return complain(std::strerror(errno)); }
    char* line = nullptr;
    std::size_t room = 0;
    off_t whole = 0;
    bool good = true;
    for (ssize_t bytes = 0; good && (bytes = getline(&line, &room, file)) > 0;) {
        if (line[bytes - 1] != '\n') { break; }
        line[bytes - 1] = '\0';
        good = whole == 0 ? std::strncmp(line, kHead, sizeof kHead - 2) == 0 : load_line(line);
        whole += bytes;
    }
    const bool is_read = std::ferror(file) == 0;
    std::free(line);
    std::fclose(file);
    if (!good) { return complain("no job log of brood run or GNU parallel"); }
    if (!is_read || ftruncate(fd_, whole) != 0) { return complain(std::strerror(errno)); }
    return true;
}

bool JobLog::load_line(char* line) noexcept {
    const char* fields[kFields] = {line};
    for (int i = 1; i < kFields; ++i) {
        char* const tab = std::strchr(const_cast<char*>(fields[i - 1]), '\t');
        if (tab == nullptr) { return false; }
        *tab = '\0';
        fields[i] = tab + 1;
    }
    constexpr std::uint64_t kNumberMax = 1000000000;
    const std::uint64_t number = std::strtoull(fields[0], nullptr, 10);
    if (number == 0 || number > kNumberMax) { return false; }
    const bool succeeded = std::strcmp(fields[6], "0") == 0 && std::strcmp(fields[7], "0") == 0;
    done_.extend(number + 1);
    done_[number] = succeeded || failed_too_ ? hash_of(fields[8], std::strlen(fields[8])) : 0;
    return true;
}

JobLog::Known JobLog::find(std::uint64_t number, const CommandLine& command) noexcept {
    if (number >= done_.size() || done_[number] == 0) { return Known::no; }
    line_.clear();
    command.quote(line_);
    return hash_of(line_.data(), line_.size()) == done_[number] ? Known::yes : Known::differs;
}

bool JobLog::write(const Job& job) noexcept {
    if (fd_ < 0) { return true; }
    const Outcome& outcome = job.outcome;
    int code = outcome.code >= 0 ? outcome.code : 0;
    if (outcome.is_timed_out) { code = -1; }
    if (outcome.os_error != 0) { code = outcome.os_error == ENOENT ? 127 : 126; }
    char start[200];
    std::snprintf(start, sizeof start,
                  "%" PRIu64 "\t:\t%" PRId64 ".%03d\t%10.3f\t0\t%" PRIu64 "\t%d\t%d\t", job.number,
                  job.started_ms / 1000, static_cast<int>(job.started_ms % 1000),
                  static_cast<double>(job.ended_ns - job.started_ns) / 1e9, job.out.received(),
                  code, outcome.code < 0 ? -outcome.code : 0);
    line_.clear();
    append_text(line_, start);
    job.command.quote(line_);
    line_.add('\n');
    const ssize_t written = ::write(fd_, line_.data(), line_.size());
    // If killed here: the job is done, and known to be.
    if (written == static_cast<ssize_t>(line_.size())) { return true; }
    return complain(written < 0 ? std::strerror(errno) : std::strerror(ENOSPC));
}

}  // namespace tool::run
