// What calls mean to a reader of pictures.
#include <algorithm>
#include <cstring>

#include <tools/study/picture.hpp>

namespace tool {
namespace {

struct Row {
    const char* type;
    Waits kind;
};
constexpr Row kRows[] = {
    {"Lock", Waits::lock},           {"RLock", Waits::lock},
    {"Semaphore", Waits::lock},      {"BoundedSemaphore", Waits::lock},
    {"NamedSemaphore", Waits::lock}, {"Value", Waits::lock},
    {"Array", Waits::lock},          {"Event", Waits::event},
    {"Condition", Waits::event},     {"Barrier", Waits::event},
    {"Queue", Waits::data},          {"JoinableQueue", Waits::data},
    {"ByteQueue", Waits::data},      {"MessageQueue", Waits::data},
    {"PipeEnd", Waits::data},        {"Receiver", Waits::data},
    {"Sender", Waits::data},         {"Duplex", Waits::data},
    {"Connection", Waits::data},     {"Listener", Waits::data},
    {"Client", Waits::data},         {"Process", Waits::process},
    {"Pool", Waits::process},        {"PoolLoop", Waits::process},
    {"Future", Waits::process},      {"MapFuture", Waits::process},
    {"Imap", Waits::process},        {"this_process", Waits::process},
    {"wait", Waits::process},        {"capture", Waits::process},
    {"worker", Waits::work},         {"supervisor", Waits::work},
    {"guardian", Waits::work},
};

const Row* row_of(const std::string& call) {
    const std::size_t bytes = std::min(call.find("::"), call.size());
    for (const Row& row : kRows) {
        if (call.compare(0, bytes, row.type) == 0) { return &row; }
    }
    return nullptr;
}

}  // namespace

Waits kind_of(const Span& wait) {
    const Row* const row = row_of(wait.what);
    return row == nullptr ? Waits::other : row->kind;
}

const char* lock_of(const Span& hold) {
    const Row* const row = row_of(hold.detail);
    const bool is_shown = row != nullptr &&
                          (row->kind == Waits::lock || std::strcmp(row->type, "Condition") == 0);
    return is_shown ? row->type : nullptr;
}

std::string label_of(const TracedProcess& process) {
    std::string name = process.name;
    if (name.empty() && !process.calls.empty()) { name = process.calls.back().what; }
    if (process.function.empty() || process.is_worker()) { return name; }
    return name + " (" + process.function + ")";
}

}  // namespace tool
