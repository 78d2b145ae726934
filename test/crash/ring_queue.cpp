#include "ring_queue.hpp"

#include <sys/mman.h>

#include <algorithm>

namespace crash {
namespace {

core::RingEnd end_of(Side side) {
    return side == Side::put ? core::RingEnd::put : core::RingEnd::get;
}

unsigned char filling_of(const Letter& letter) {
    return static_cast<unsigned char>(letter.producer * 31 + letter.number + 1);
}

// A queue without a bound has so many times the room that it has at first, at most, in a scene.
constexpr std::uint32_t kSpread = 16;

}  // namespace

void write_message(unsigned char* to, const Letter& letter, std::size_t bytes) {
    memset(to, filling_of(letter), bytes);
    memcpy(to, &letter, std::min(bytes, sizeof(letter)));
}

Letter read_message(const unsigned char* from, std::size_t bytes) {
    Letter letter = {};
    memcpy(&letter, from, std::min(bytes, sizeof(letter)));
    const Letter whole = Letter::make(letter.producer, letter.number);
    bool is_whole = memcmp(&whole, from, std::min(bytes, sizeof(whole))) == 0;
    for (std::size_t at = sizeof(whole); at < bytes; ++at) {
        is_whole = is_whole && from[at] == filling_of(whole);
    }
    return is_whole ? whole : Letter{letter.producer, letter.number, {UINT32_MAX}};
}

brood::Timeout timeout_of(std::int64_t timeout_ms) {
    return timeout_ms < 0 ? brood::Timeout::forever() : brood::milliseconds(timeout_ms);
}

int code_of(const brood::Error& error) {
    switch (error.code()) {
        case brood::Errc::full:
        case brood::Errc::empty:
        case brood::Errc::would_block:
        case brood::Errc::timed_out: return TestQueue::kNothing;
        case brood::Errc::closed: return TestQueue::kClosed;
        default: return TestQueue::kRefused;
    }
}

RingQueue::RingQueue(const Inside& inside) : ring_(inside.ring), table_(inside.table) {
    const auto* const ring = reinterpret_cast<const unsigned char*>(ring_);
    const auto* const members = reinterpret_cast<const unsigned char*>(&table_->at(0));
    fresh_ring_.assign(ring, ring + end_of(ring_->shape.slots.load()));
    fresh_members_.assign(members, members + kMembers * sizeof(core::Member));
    if (is_bounded()) { return; }
    void* const page = const_cast<unsigned char*>(ring) + fresh_ring_.size();
    brood::port::allocate_reserved(page, brood::port::page_bytes()).expect("a page");
    gives_back_ = brood::port::give_back(page, brood::port::page_bytes()).ok();
}

// One that grows has whole pages.
std::size_t RingQueue::end_of(std::uint32_t slots) const {
    const std::size_t bytes = ring_->shape.slots_at + std::size_t{slots} * ring_->shape.slot_bytes;
    const std::size_t page = is_bounded() ? 1 : brood::port::page_bytes();
    return (bytes + page - 1) / page * page;
}

void RingQueue::make(bool near_wrap) {
    memcpy(static_cast<void*>(ring_), fresh_ring_.data(), fresh_ring_.size());
    memcpy(static_cast<void*>(&table_->at(0)), fresh_members_.data(), fresh_members_.size());
    first_ = near_wrap ? UINT32_MAX - 1 : 0;
    for (core::RingSide* const side : {&ring_->put, &ring_->get}) {
        side->index.store(first_);
        side->lease.note.store(first_);
    }
    if (gives_back_) {
        const std::size_t begin = fresh_ring_.size();
        const std::size_t end = end_of(ring_->shape.slots.load() * kSpread);
        auto* const pages = reinterpret_cast<unsigned char*>(ring_) + begin;
        brood::port::give_back(pages, end - begin).expect("giving back");
    }
}

void RingQueue::fill(const Letter* letters, std::size_t count) {
    const std::uint32_t index = ring_->put.index.load();
    for (std::uint32_t i = 0; i < count; ++i) {
        write_message(ring_->slot(index + i), letters[i], ring_->shape.message_bytes);
    }
    ring_->put.index.store(index + static_cast<std::uint32_t>(count));
}

std::vector<Letter> RingQueue::contents() const {
    std::vector<Letter> letters(size());
    const std::uint32_t index = ring_->get.index.load();
    for (std::uint32_t i = 0; i < letters.size(); ++i) {
        memcpy(static_cast<void*>(&letters[i]), ring_->slot(index + i), sizeof(Letter));
    }
    return letters;
}

bool RingQueue::has_room(std::size_t weight) const {
    return !is_bounded() || size() + weight <= ring_->shape.most.load();
}

void RingQueue::widen(int letters) {
    core::RingShape& shape = ring_->shape;
    if (letters <= static_cast<int>(kMost)) { return; }
    const auto slots =
        static_cast<std::uint32_t>(shape.slots.load() / kMost * static_cast<std::size_t>(letters));
    auto* const pages = reinterpret_cast<unsigned char*>(ring_) + fresh_ring_.size();
    brood::port::allocate_reserved(pages, end_of(slots) - fresh_ring_.size()).expect("memory");
    shape.slots.store(slots);
    shape.most.store(slots);
    shape.allocated.store(slots);
    shape.shrink_below.store(1 + slots / 16);
}

// Pages that were given back are nobody's any more.
bool RingQueue::is_as_at_first() const {
    const core::RingShape& shape = ring_->shape;
    const std::uint32_t least = shape.slots_least;
    if (is_bounded()) { return true; }
    if (shape.slots.load() != least || shape.most.load() != least) { return false; }
    if (!gives_back_) { return true; }
    if (shape.allocated.load() != least || shape.shrink_below.load() != 0) { return false; }
    const std::size_t page = brood::port::page_bytes(), begin = fresh_ring_.size();
    const std::size_t end = end_of(least * kSpread);
    std::vector<unsigned char> there((end - begin) / page);
    void* const pages = reinterpret_cast<unsigned char*>(ring_) + begin;
    if (mincore(pages, end - begin, there.data()) != 0) { return false; }
    return std::none_of(there.begin(), there.end(), [](unsigned char one) { return one & 1; });
}

void RingQueue::pause_inside(Side side) {
    core::RingUser user(*ring_, *core::membership_in(*table_), crash::end_of(side));
    const std::uint32_t index = user.announce();
    // Half a letter, as one who is killed while he copies leaves it.
    const std::size_t half = std::min<std::size_t>(20, ring_->shape.slot_bytes);
    const bool has_slot = size() < ring_->shape.slots.load();
    if (side == Side::put && has_slot) { memset(ring_->slot(index), 0x5a, half); }
}

bool RingQueue::is_lease_awaited(Side side) const {
    return (ring_->side(crash::end_of(side)).lease.word.load() & core::Lease::kSleep) != 0;
}

const std::vector<std::uint32_t>& RingQueue::state() {
    state_.resize(fresh_ring_.size() / 4);
    memcpy(state_.data(), static_cast<const void*>(ring_), fresh_ring_.size());
    for (std::uint32_t i = 1; i < kMembers; ++i) {
        const core::Member& member = table_->at(i);
        std::uint32_t life = 0;
        memcpy(&life, &member.life, sizeof(life));
        state_.insert(state_.end(), {life, member.op.load(), member.object.load()});
    }
    return state_;
}

}  // namespace crash
