// For tests of objects in memory that another keeps: such memory, and children that stay as they
// are.
#ifndef BROOD_TEST_BORROWED_SUPPORT_HPP
#define BROOD_TEST_BORROWED_SUPPORT_HPP

#include "shared_support.hpp"
#include "sleeper_support.hpp"

#include <src/object_memory.hpp>

namespace borrowed {

using brood::detail::Before;

/// A shared mapping of which objects are given parts, as by an arena: aligned to 64 bytes, and with
/// lines between them that nobody may touch.
class Ground {
public:
    Ground() {
        const auto mapped = brood::port::map_shared(kBytes);
        test::assert_ok(mapped);
        base_ = static_cast<unsigned char*>(*mapped);
        // The first object begins a page, which its handles could unmap; others may not.
        used_ = brood::port::page_bytes() - kLine;
        guard();
    }
    ~Ground() { brood::port::unmap(base_, kBytes); }
    Ground(const Ground&) = delete;
    Ground& operator=(const Ground&) = delete;

    /// Zeroes; as many as an Access says.
    void* place(const brood::Result<std::size_t>& bytes) {
        test::assert_ok(bytes);
        assert_int_equal(*bytes % kLine, 0);
        assert_in_range(used_ + *bytes, 0, kBytes - kLine);
        void* const found = base_ + used_;
        used_ += *bytes;
        guard();
        return found;
    }

    /// Fails at the caller's line unless all is mapped, and nobody went beyond his part.
    void assert_whole(int line = __builtin_LINE()) const {
        for (std::size_t at = 0; at < kBytes; at += brood::port::page_bytes()) {
            _assert_true(brood::port::is_mapped(base_ + at), "is mapped", __FILE__, line);
        }
        for (std::size_t i = 0; i < guards_; ++i) {
            const unsigned char* const found = base_ + guard_at_[i];
            for (std::size_t at = 0; at < kLine; ++at) {
                _assert_int_equal(found[at], kUntouched, __FILE__, line);
            }
        }
    }

private:
    static constexpr std::size_t kBytes = 256 * 1024, kLine = 64;
    static constexpr unsigned char kUntouched = 0xa5;

    void guard() {
        assert_true(guards_ < 32);
        guard_at_[guards_++] = used_;
        memset(base_ + used_, kUntouched, kLine);
        used_ += kLine;
    }

    unsigned char* base_ = nullptr;
    std::size_t used_ = 0, guards_ = 0;
    std::size_t guard_at_[32];
};

/// A child that runs `body(stay)`, and in there calls stay(): from then on it stays as it is until
/// it is killed.
template <class F>
pid_t start_staying(F body) {
    test::Handshake begun;
    const pid_t pid = shared_test::start_child([&] {
        body([&] {
            begun.tell();
            for (;;) { pause(); }
        });
    });
    assert_true(begun.await());
    return pid;
}

}  // namespace borrowed

#endif
