// Steps of an arena: the log, the commit, and putting back what a dead one had begun.
#include "arena.hpp"

#include "deadline.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

std::size_t bytes_of(const Arena& arena) noexcept {
    return std::size_t{arena.pages} * kPageBytes;
}

/// Mutexes are what no step changes. A stranger's log may name them: where the thread that holds
/// one is sent by its links, as it lets go, is nowhere in the arena.
bool is_of_mutex(const Arena& arena, std::uint64_t at) noexcept {
    constexpr std::uint64_t kBytes = sizeof(port::RobustMutex);
    constexpr std::uint64_t kHead = offsetof(ArenaHead, mutex);
    const std::uint64_t entries = Arena::entries_at(arena.pages);
    const std::uint64_t end = entries + std::uint64_t{arena.entries} * sizeof(ArenaEntry);
    const bool is_in_entry = at >= entries && at < end &&
                             (at - entries) % sizeof(ArenaEntry) < kBytes;
    return is_in_entry || (at >= kHead && at < kHead + kBytes);
}

/// From the last to the first, as a word may stand there twice. If killed in here: the log is
/// still whole, and the next begins anew.
void put_back(const Arena& arena) noexcept {
    ArenaHead& head = arena.head();
    std::uint32_t count = head.log_count.load(std::memory_order_acquire);
    if (count > ArenaHead::kLogMax) { count = ArenaHead::kLogMax; }
    while (count > 0) {
        const LogEntry& entry = head.log[--count];
        const std::uint64_t at = std::uint64_t{entry.word.load(std::memory_order_relaxed)} * 4;
        if (at + sizeof(Word) > bytes_of(arena) || is_of_mutex(arena, at)) { continue; }
        reinterpret_cast<Word*>(arena.base + at)
            ->store(entry.was.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    head.log_count.store(0, std::memory_order_release);
}

}  // namespace

Status Arena::heal(std::int64_t deadline_ns) const noexcept {
    return ArenaStep(*this, deadline_ns).status();
}

ArenaStep::ArenaStep(const Arena& arena, std::int64_t deadline_ns) noexcept
    : arena_(arena), head_(arena.head()) {
    const Status locked = port::mutex_lock(head_.mutex, deadline_ns);
    if (!is_held(locked)) {
        status_ = locked;
        return;
    }
    is_locked_ = true;
    if (head_.log_count.load(std::memory_order_acquire) != 0) { put_back(arena_); }
}

ArenaStep::~ArenaStep() noexcept {
    if (!is_locked_) { return; }
    if (count_ != 0) { put_back(arena_); }
    port::mutex_unlock(head_.mutex).ignore();
}

bool ArenaStep::keep(Word& word) noexcept {
    if (!has_room(1)) {
        fail_as(Errc::no_space);
        return false;
    }
    const auto offset = reinterpret_cast<unsigned char*>(&word) - arena_.base;
    LogEntry& entry = head_.log[count_];
    entry.word.store(static_cast<std::uint32_t>(offset / 4), std::memory_order_relaxed);
    entry.was.store(word.load(std::memory_order_relaxed), std::memory_order_relaxed);
    // If killed before this: the word is as it was. After it: it is made so again.
    head_.log_count.store(++count_, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return true;
}

bool ArenaStep::copy(void* to, const void* from, std::size_t bytes) noexcept {
    auto* const words = static_cast<Word*>(to);
    const auto* const source = static_cast<const unsigned char*>(from);
    for (std::size_t at = 0; at < bytes; at += sizeof(Word)) {
        std::uint32_t value = words[at / sizeof(Word)].load(std::memory_order_relaxed);
        const std::size_t left = bytes - at;
        __builtin_memcpy(&value, source + at, left < sizeof(Word) ? left : sizeof(Word));
        set(words[at / sizeof(Word)], value);
    }
    return status_.ok();
}

Status ArenaStep::commit() noexcept {
    if (!status_.ok()) { return status_; }
    // What was written into new blocks comes first. If killed before this store: nothing of the
    // step has happened. After it: all has.
    head_.log_count.store(0, std::memory_order_release);
    count_ = 0;
    // If killed in here: pages stay allocated that nobody needs, until they are used again.
    for (std::uint32_t i = 0; i < bare_count_; ++i) {
        port::give_back(arena_.base + std::size_t{bare_[i].page} * kPageBytes,
                        std::size_t{kPageBytes} << bare_[i].order)
            .ignore();
    }
    is_locked_ = false;
    return port::mutex_unlock(head_.mutex);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
