#include "queues.hpp"

#include <string.h>

#include <brood/queue.hpp>

#include <src/members.hpp>
#include <src/ring.hpp>

namespace crash {
namespace {

namespace core = brood::detail;

core::RingEnd end_of(Side side) {
    return side == Side::put ? core::RingEnd::put : core::RingEnd::get;
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

class BroodQueue : public TestQueue {
public:
    BroodQueue()
        : queue_(brood::Queue<Letter>::create(kMost).expect("making a queue")),
          table_(core::family().expect("the table of members")) {
        static_assert(std::is_standard_layout_v<brood::Queue<Letter>>,
                      "a handle begins with the place of its ring");
        memcpy(&ring_, &queue_, sizeof(ring_));
        const auto* const ring = reinterpret_cast<const unsigned char*>(ring_);
        const auto* const members = reinterpret_cast<const unsigned char*>(&table_->at(0));
        fresh_ring_.assign(ring, ring + ring_->shape.slots_at + kMost * ring_->shape.slot_bytes);
        fresh_members_.assign(members, members + kMembers * sizeof(core::Member));
    }

    const char* name() const override { return "Queue"; }
    bool is_ours() const override { return true; }

    void make(bool near_wrap) override {
        memcpy(static_cast<void*>(ring_), fresh_ring_.data(), fresh_ring_.size());
        memcpy(static_cast<void*>(&table_->at(0)), fresh_members_.data(), fresh_members_.size());
        first_ = near_wrap ? UINT32_MAX - 1 : 0;
        for (core::RingSide* const side : {&ring_->put, &ring_->get}) {
            side->index.store(first_);
            side->lease.note.store(first_);
        }
    }
    void fill(const Letter* letters, std::size_t count) override {
        const std::uint32_t index = ring_->put.index.load();
        for (std::uint32_t i = 0; i < count; ++i) {
            memcpy(ring_->slot(index + i), &letters[i], sizeof(Letter));
        }
        ring_->put.index.store(index + static_cast<std::uint32_t>(count));
    }

    int put(const Letter* letters, std::size_t count, std::int64_t timeout_ms) override {
        if (count == 1) {
            const brood::Status put = queue_.put(*letters, timeout_of(timeout_ms));
            return put.ok() ? 1 : code_of(put.error());
        }
        const auto put = queue_.put_many(letters, count, timeout_of(timeout_ms));
        return put.ok() ? static_cast<int>(*put) : code_of(put.error());
    }
    int get(Letter* letters, std::size_t count, std::int64_t timeout_ms) override {
        if (count == 1) {
            const auto got = queue_.get(timeout_of(timeout_ms));
            if (got.ok()) { *letters = *got; }
            return got.ok() ? 1 : code_of(got.error());
        }
        const auto got = queue_.get_many(letters, count, timeout_of(timeout_ms));
        return got.ok() ? static_cast<int>(*got) : code_of(got.error());
    }

    std::vector<Letter> contents() const override {
        std::vector<Letter> letters(size());
        const std::uint32_t index = ring_->get.index.load();
        for (std::uint32_t i = 0; i < letters.size(); ++i) {
            memcpy(static_cast<void*>(&letters[i]), ring_->slot(index + i), sizeof(Letter));
        }
        return letters;
    }
    std::uint32_t taken() const override { return ring_->get.index.load() - first_; }
    std::size_t size() const override { return queue_.qsize(); }

    void shutdown(bool now) override {
        (void)queue_.shutdown(now ? brood::Shutdown::now : brood::Shutdown::drain);
    }
    bool is_shut() const override { return ring_->bell.note.load() != 0; }

    void join() override { core::join_members(core::members_of_family(*table_)).expect("joining"); }
    void pause_inside(Side side) override {
        core::RingUser user(*ring_, *core::membership_in(*table_), end_of(side));
        const std::uint32_t index = user.announce();
        // Half a letter, as one who is killed while he copies leaves it.
        if (side == Side::put && queue_.qsize() < kMost) { memset(ring_->slot(index), 0x5a, 20); }
    }
    void go_on() override {
        core::RingUser(*ring_, *core::membership_in(*table_), core::RingEnd::put).withdraw();
    }
    bool is_lease_awaited(Side side) const override {
        return (ring_->side(end_of(side)).lease.word.load() & core::Lease::kSleep) != 0;
    }

    const std::vector<std::uint32_t>& state() override {
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

private:
    static constexpr std::uint32_t kMembers = 32;  // more than there ever are at a time

    brood::Queue<Letter> queue_;
    core::MemberTable* table_;
    core::Ring* ring_ = nullptr;
    std::vector<unsigned char> fresh_ring_, fresh_members_;
    std::uint32_t first_ = 0;
};

}  // namespace

Letter Letter::make(std::uint32_t producer, std::uint32_t number) {
    Letter letter = {producer, number, {}};
    for (std::uint32_t& copy : letter.copies) { copy = producer << 16 | number; }
    return letter;
}

bool Letter::is_whole() const {
    for (const std::uint32_t copy : copies) {
        if (copy != (producer << 16 | number)) { return false; }
    }
    return true;
}

std::unique_ptr<TestQueue> make_brood_queue() {
    return std::make_unique<BroodQueue>();
}

}  // namespace crash
