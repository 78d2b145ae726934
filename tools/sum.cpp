// brood sum: the SHA-256 of every file below some paths, as sha256sum prints it.
#include <cstring>

#include <tools/command.hpp>
#include <tools/output.hpp>
#include <tools/stop.hpp>
#include <tools/sum_check.hpp>
#include <tools/sum_format.hpp>
#include <tools/sum_options.hpp>
#include <tools/sum_pipeline.hpp>
#include <tools/walk.hpp>

namespace tool {
namespace {

void complain_of_path(void* context, const char* path, int error) {
    static_cast<Output*>(context)->complain(path, error);
}

struct Printing {
    Output& output;
    const SumLineStyle& style;
};

void print_result(void* context, const FileResult& result) {
    const Printing& printing = *static_cast<const Printing*>(context);
    if (result.state != FileState::hashed) { return complain_of(printing.output, result); }
    char line[kLineBytes];
    printing.output.write(line, format_digest(line, result.digest, result.path, printing.style));
}

/// What the paths hold, for the display of progress. context: SumOptions.
WorkTotals count_paths(const void* context) {
    const SumOptions& options = *static_cast<const SumOptions*>(context);
    WorkTotals totals = {};
    Walk walk(nullptr, nullptr);
    Walk::File file;
    for (int i = 0; i < options.path_count; ++i) {
        walk.begin(options.paths[i]);
        while (walk.next(file)) {
            ++totals.files;
            totals.bytes += file.bytes;
        }
    }
    return totals;
}

/// False: it is no use to go on.
bool add_path(const char* path, Walk& walk, SumPipeline& pipeline) {
    if (std::strcmp(path, "-") == 0) { return pipeline.add_stream(path); }
    walk.begin(path);
    Walk::File file;
    bool go_on = true;
    while (go_on && walk.next(file)) {
        go_on = file.kind == Walk::Kind::regular
                    ? pipeline.add(file.path, file.path_length, file.bytes, file.is_start)
                    : pipeline.add_stream(file.path);
    }
    return go_on;
}

/// Starts the workers, lets `feed(pipeline)` give them work, and ends them.
template <class Feed>
void run_pipeline(SumPipeline& pipeline, const SumOptions& options, Output& output, Feed&& feed) {
    const brood::Status started = pipeline.start(options.workers);
    if (!started.ok()) { return output.complain("starting the workers", started.error().text()); }
    feed();
    pipeline.stop();
    const brood::Status& status = pipeline.status();
    if (!status.ok()) { output.complain("the workers", status.error().text()); }
}

void sum_paths(const SumOptions& options, Output& output, Progress& progress) {
    Printing printing{output, options.style};
    SumPipeline pipeline(output, progress, print_result, &printing);
    run_pipeline(pipeline, options, output, [&] {
        Walk walk(complain_of_path, &output);
        bool go_on = true;
        for (int i = 0; i < options.path_count && go_on; ++i) {
            go_on = add_path(options.paths[i], walk, pipeline);
        }
        if (go_on) { pipeline.drain(); }
    });
}

void check_lists(const SumOptions& options, Output& output, Progress& progress) {
    SumCheck check(output, options);
    SumPipeline pipeline(output, progress, SumCheck::deliver, &check);
    run_pipeline(pipeline, options, output, [&] {
        bool go_on = true;
        for (int i = 0; i < options.path_count && go_on; ++i) {
            go_on = check.verify(options.paths[i], pipeline);
        }
    });
}

}  // namespace

int run_sum(int count, char** arguments) {
    SumOptions options;
    switch (parse_sum_options(count, arguments, options)) {
        case Parsed::finished: return kSuccess;
        case Parsed::refused: return kFailure;
        case Parsed::run: break;
    }
    catch_stop_signals();
    Progress progress;
    Output output(arguments[0], progress);
    if (options.says != CheckSays::nothing) {
        progress.start(options.check ? count_lists : count_paths, &options);
    }
    (options.check ? check_lists : sum_paths)(options, output, progress);
    progress.stop();
    output.finish();
    if (stop_signal() != 0) { end_by_stop_signal(); }
    return output.status();
}

}  // namespace tool
