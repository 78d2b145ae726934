#include <tools/sum_check.hpp>

#include <errno.h>
#include <sys/stat.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>

#include <tools/sum_format.hpp>

namespace tool {
namespace {

/// No line that names an openable file is longer. That of a longer path would be, once escaped
/// anew, still short enough for format_verdict().
constexpr std::size_t kListLineBytes = 2 * kPathBytes + 80;
static_assert(kListLineBytes + 40 <= kLineBytes, "the verdict must fit behind the path");

const char* name_of(const char* list) noexcept {
    return std::strcmp(list, "-") == 0 ? "standard input" : list;
}

std::FILE* open_list(const char* list) noexcept {
    return std::strcmp(list, "-") == 0 ? stdin : std::fopen(list, "re");
}

void close_list(std::FILE* stream) noexcept {
    if (stream != stdin) { std::fclose(stream); }
}

enum class LineEnd { line, end };

/// Reads a line without its newline. `length` is kListLineBytes if it is too long: cut off.
LineEnd read_line(std::FILE* stream, char (&line)[kListLineBytes + 1],
                  std::size_t& length) noexcept {
    length = 0;
    int c = getc_unlocked(stream);
    if (c == EOF) { return LineEnd::end; }
    for (; c != EOF && c != '\n'; c = getc_unlocked(stream)) {
        if (length < kListLineBytes) { line[length++] = static_cast<char>(c); }
    }
    line[length] = '\0';
    return LineEnd::line;
}

/// Calls entry(path, digest) for each line that is one, improper(number) for each that is nothing.
/// Stops when either returns false, and returns false then.
template <class Entry, class Improper>
bool for_each_entry(std::FILE* stream, Entry&& entry, Improper&& improper) noexcept {
    SumLines lines;
    char line[kListLineBytes + 1];
    std::size_t length = 0;
    for (std::uint64_t number = 1; read_line(stream, line, length) == LineEnd::line; ++number) {
        Digest digest;
        char* path = nullptr;
        SumLines::Kind kind = length == kListLineBytes ? SumLines::Kind::improper
                                                       : lines.read(line, length, digest, path);
        const bool names_itself = kind == SumLines::Kind::entry && stream == stdin &&
                                  std::strcmp(path, "-") == 0;
        if (names_itself) { kind = SumLines::Kind::improper; }
        if (kind == SumLines::Kind::improper && !improper(number)) { return false; }
        if (kind == SumLines::Kind::entry && !entry(path, digest)) { return false; }
    }
    return true;
}

}  // namespace

bool SumCheck::verify(const char* list, SumPipeline& pipeline) noexcept {
    counts_ = {};
    std::FILE* const stream = open_list(list);
    if (stream == nullptr) {
        output_.complain(list, errno);
        return true;
    }
    errno = 0;
    const bool added = for_each_entry(
        stream, [&](const char* path, const Digest& digest) { return add(pipeline, path, digest); },
        [&](std::uint64_t line) { return note_improper(pipeline, name_of(list), line); });
    const int error = std::ferror(stream) != 0 ? errno : 0;
    close_list(stream);
    if (!added || !pipeline.drain()) { return false; }

    if (error != 0) {
        output_.complain(name_of(list), error);
    } else {
        summarise(name_of(list));
    }
    return true;
}

bool SumCheck::add(SumPipeline& pipeline, const char* path, const Digest& digest) noexcept {
    ++counts_.proper;
    expected(pipeline.next_number()) = digest;
    if (std::strcmp(path, "-") == 0) { return pipeline.add_stream(path); }

    const std::size_t length = std::strlen(path);
    struct stat status;
    if (stat(path, &status) != 0) { return pipeline.add_failure(path, length, errno); }
    if (!S_ISREG(status.st_mode)) { return pipeline.add_stream(path); }
    return pipeline.add(path, length, static_cast<std::uint64_t>(status.st_size), true);
}

bool SumCheck::note_improper(SumPipeline& pipeline, const char* list, std::uint64_t line) noexcept {
    ++counts_.improper;
    if (options_.says != CheckSays::lines_too) { return true; }
    // What is wrong with the files before it comes first.
    if (!pipeline.drain()) { return false; }
    char what[80];
    std::snprintf(what, sizeof what, "%" PRIu64 ": improperly formatted SHA256 checksum line",
                  line);
    output_.note(list, what);
    return true;
}

void SumCheck::deliver(void* context, const FileResult& result) noexcept {
    static_cast<SumCheck*>(context)->judge(result);
}

void SumCheck::judge(const FileResult& result) noexcept {
    const bool is_missing = result.state == FileState::failed && result.error == ENOENT;
    if (is_missing && options_.ignore_missing) { return; }
    if (result.state != FileState::hashed) {
        complain_of(output_, result);
        ++counts_.unreadable;
        print(result, "FAILED open or read");
    } else if (result.digest != expected(result.number)) {
        output_.fail();
        ++counts_.different;
        print(result, "FAILED");
    } else {
        ++counts_.matching;
        if (options_.says != CheckSays::failures_only) { print(result, "OK"); }
    }
}

void SumCheck::print(const FileResult& result, const char* verdict) noexcept {
    if (options_.says == CheckSays::nothing) { return; }
    char line[kLineBytes];
    output_.write(line, format_verdict(line, result.path, verdict));
}

void SumCheck::summarise(const char* list) noexcept {
    const auto warn = [&](std::uint64_t count, const char* one, const char* many) {
        const auto number = static_cast<unsigned long long>(count);
        if (count > 0) { output_.warn("%llu %s", number, count == 1 ? one : many); }
    };
    if (counts_.proper == 0) {
        return output_.complain(list, "no properly formatted checksum lines found");
    }
    if (options_.strict && counts_.improper > 0) { output_.fail(); }
    if (options_.ignore_missing && counts_.matching == 0) { output_.fail(); }
    if (options_.says == CheckSays::nothing) { return; }
    warn(counts_.improper, "line is improperly formatted", "lines are improperly formatted");
    warn(counts_.unreadable, "listed file could not be read", "listed files could not be read");
    warn(counts_.different, "computed checksum did NOT match", "computed checksums did NOT match");
    if (options_.ignore_missing && counts_.matching == 0) {
        output_.note(list, "no file was verified");
    }
}

WorkTotals count_lists(const void* context) noexcept {
    const SumOptions& options = *static_cast<const SumOptions*>(context);
    WorkTotals totals = {};
    for (int i = 0; i < options.path_count; ++i) {
        const char* const list = options.paths[i];
        // What is no file can be read only once, and not by us.
        struct stat kind;
        if (stat(list, &kind) != 0 || !S_ISREG(kind.st_mode)) { continue; }
        std::FILE* const stream = std::fopen(list, "re");
        if (stream == nullptr) { continue; }
        for_each_entry(
            stream,
            [&](const char* path, const Digest&) {
                struct stat status;
                const bool found = stat(path, &status) == 0;
                ++totals.files;
                totals.bytes += found ? static_cast<std::uint64_t>(status.st_size) : 0;
                return true;
            },
            [](std::uint64_t) { return true; });
        std::fclose(stream);
    }
    return totals;
}

}  // namespace tool
