// The supervisor of a pool that does for its tasks what every pool does, and no more.
#include "pool_supervisor.hpp"
#include "pool_worker.hpp"

namespace brood {
inline namespace v0 {
namespace detail {
namespace {

class NoCareByWorker {
public:
    NoCareByWorker(PoolCore&, std::uint32_t) noexcept {}
    static bool is_over() noexcept { return false; }
    static std::uint32_t expectation() noexcept { return 0; }
    static bool is_ordered() noexcept { return false; }
    static Slot* find(bool, std::uint32_t&) noexcept { return nullptr; }
    static void will_claim(std::uint32_t) noexcept {}
    static bool has_put_back() noexcept { return false; }
    static bool is_put_back(const Slot&) noexcept { return false; }
    static void may_have_more() noexcept {}
    static void* begin(Slot& slot) noexcept { return slot.payload(); }
    static bool end(Slot&, bool) noexcept { return true; }
    static void published() noexcept {}
};

class NoCare {
public:
    static constexpr bool kHeedsPauses = false;
    explicit NoCare(PoolCore&) noexcept {}
    static void note_pause() noexcept {}
    static Errc check() noexcept { return Errc::ok; }
    static void will_start(std::uint32_t) noexcept {}
    static void will_end() noexcept {}
    [[noreturn]] static void run_worker(PoolCore& core, std::uint32_t index, port::Pid supervisor,
                                        port::Fd wake) noexcept {
        port::close(wake);
        work<NoCareByWorker>(core, index, supervisor);
    }
    static bool ends_otherwise(Slot&, std::uint32_t) noexcept { return false; }
    static bool was_told() noexcept { return false; }
    static bool reap_stuck() noexcept { return false; }
    static bool set_aside(std::uint32_t) noexcept { return false; }
    static bool may_start(std::uint32_t) noexcept { return true; }
    static port::Pid any_stuck() noexcept { return 0; }
    static std::int64_t look() noexcept { return port::kNever; }
};

}  // namespace

void run_supervisor(PoolCore& core, port::Pid host) noexcept {
    supervise<NoCare>(core, host);
}

}  // namespace detail
}  // namespace v0
}  // namespace brood
