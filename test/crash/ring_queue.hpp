// What all of brood's queues have inside: the ring, and the table of those who use it.
#ifndef BROOD_TEST_CRASH_RING_QUEUE_HPP
#define BROOD_TEST_CRASH_RING_QUEUE_HPP

#include <string.h>

#include <type_traits>

#include <src/join_book.hpp>
#include <src/members.hpp>
#include <src/ring.hpp>

#include "queues.hpp"

namespace crash {

namespace core = brood::detail;

/// A letter as it is sent: its first bytes, or it and a filling.
void write_message(unsigned char* to, const Letter& letter, std::size_t bytes);
/// The letter that was sent so; one that is not whole, if it is none.
Letter read_message(const unsigned char* from, std::size_t bytes);

brood::Timeout timeout_of(std::int64_t timeout_ms);
int code_of(const brood::Error& error);

/// One letter is one message in the ring, unless a derived class has it otherwise.
class RingQueue : public TestQueue {
public:
    bool is_ours() const override { return true; }
    void make(bool near_wrap) override;
    void fill(const Letter* letters, std::size_t count) override;
    std::vector<Letter> contents() const override;
    std::uint32_t taken() const override { return ring_->get.index.load() - first_; }
    std::size_t size() const override { return ring_->put.index.load() - ring_->get.index.load(); }
    bool has_room(std::size_t weight) const override;

    bool is_bounded() const override { return !ring_->shape.grows(); }
    void widen(int letters) override;
    bool is_as_at_first() const override;

    bool is_shut() const override { return ring_->bell.note.load() != 0; }
    void join() override {
        if (core::membership_in(*table_) != nullptr) { return; }
        core::join_members(core::members_of_family(*table_)).expect("joining");
    }
    void pause_inside(Side side) override;
    void go_on() override {
        core::RingUser(*ring_, *core::membership_in(*table_), core::RingEnd::put).withdraw();
    }
    bool is_lease_awaited(Side side) const override;
    const std::vector<std::uint32_t>& state() override;

protected:
    /// What a handle begins with.
    struct Inside {
        core::Ring* ring;
        const core::RingShape* shape;
        core::MemberTable* table;
        core::JoinBook* book;
    };
    template <class Handle>
    static Inside inside_of(const Handle& handle) {
        static_assert(std::is_standard_layout_v<Handle> && sizeof(Handle) >= sizeof(Inside));
        Inside inside = {};
        memcpy(&inside, &handle, sizeof(inside));
        return inside;
    }
    explicit RingQueue(const Inside& inside);

    core::Ring* ring_;
    core::MemberTable* table_;

private:
    std::size_t end_of(std::uint32_t slots) const;

    static constexpr std::uint32_t kMembers = 32;  // more than there ever are at a time
    std::vector<unsigned char> fresh_ring_, fresh_members_;
    std::uint32_t first_ = 0;
    bool gives_back_ = false;
};

}  // namespace crash

#endif
