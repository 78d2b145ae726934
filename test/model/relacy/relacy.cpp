// Goal: the ring's code holds under the memory orders that it asks for, and no stronger.
// Method: the real sources, src/ring.cpp, ring_lease.cpp and ring_wait.cpp, compiled with an
//       <atomic> that hands their accesses to Relacy, which runs threads in all orders (at random;
//       one to one also every order with 2 switches) and has each load see any value that the
//       memory order permits. Messages are variables of Relacy's: to touch one from two sides
//       without an order between them is an error of its own.
//
// What is modelled here instead: the port (below), and the few lines of src/members.cpp by which a
// thread becomes a member, as Relacy's threads have no thread-local memory. membarrier has no
// counterpart in any memory model, so this is the build in which both sides of a handshake have a
// fence of their own (has_fences == 0). Nobody dies here, and `owe_ring` is nothing: explorer.hpp
// has the dead.
#include <atomic>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Copies of messages, and no others, are seen by Relacy.
namespace model {
void copy(void* to, const void* from, std::size_t bytes);
}
#define __builtin_memcpy model::copy
#include "src/ring.cpp"
#include "src/ring_lease.cpp"
#define kTurns kTurnsAwaited  // Another file has one, too.
#include "src/ring_wait.cpp"
#undef kTurns
#include "src/deadline.cpp"
#undef __builtin_memcpy

// ---- The port ----------------------------------------------------------------------------------

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

// As futex(2): it compares and falls asleep in one step; a ring is a barrier.
Status bell_wait_having_looked(Bell& bell, std::uint32_t expected, const LookedAt* looked,
                               std::size_t count, std::int64_t deadline_ns) noexcept {
    rl::context& context = rl::ctx();
    context.sched();
    context.atomic_thread_fence_seq_cst();
    {
        rl::preemption_disabler alone(context);
        if (bell.word.load(rl::mo_acquire, $) != expected) { return {}; }
        for (std::size_t i = 0; i < count; ++i) {
            if (looked[i].word->load(rl::mo_acquire, $) != looked[i].value) { return {}; }
        }
    }
    const auto reason = bell.word.by().wait(context, deadline_ns != kNever, true, $);
    return reason == rl::unpark_reason_timeout ? Status(Errc::timed_out) : Status();
}
Status bell_wait(Bell& bell, std::uint32_t expected, std::uint32_t,
                 std::int64_t deadline_ns) noexcept {
    return bell_wait_having_looked(bell, expected, nullptr, 0, deadline_ns);
}
std::uint32_t bell_ring(Bell& bell, std::uint32_t count, std::uint32_t) noexcept {
    rl::context& context = rl::ctx();
    context.sched();
    context.atomic_thread_fence_seq_cst();
    const auto most = count < 16 ? static_cast<int>(count) : 16;
    return static_cast<std::uint32_t>(bell.word.by().wake(context, most, $));
}
// All who sleep, which are more than are asked for.
void bell_ring_lookers(Bell& bell, std::atomic<std::uint32_t>&) noexcept {
    static_cast<void>(bell_ring(bell, 16, kAnyKind));
}
Status bell_wait_watching(Bell& bell, std::uint32_t expected, RobustMutex* const*, std::size_t,
                          std::int64_t deadline_ns, const LookedAt* looked) noexcept {
    return bell_wait_having_looked(bell, expected, looked, 1, deadline_ns);
}
Status bell_init(Bell&) noexcept {
    return {};
}
void owe_ring(Bell&) noexcept {}
void owe_nothing() noexcept {}
bool rings_for_the_dead() noexcept {
    return true;
}
bool mutex_is_free(RobustMutex&) noexcept {
    return false;
}
Status fence_all() noexcept {
    return Errc::unsupported;
}

std::int64_t now_ns() noexcept {
    static std::int64_t now = 0;
    return ++now;
}
void sleep_until(std::int64_t) noexcept {
    rl::yield(1, $);
}
void yield() noexcept {
    rl::yield(1, $);
}
// Spinning shows nothing that sleeping does not.
bool has_parallel_cpus() noexcept {
    return false;
}
// Not yield(): who looks twenty times at one who is at work can do so while that one is stopped.
void cpu_relax() noexcept {}
std::uint32_t usable_cpus() noexcept {
    return 1;
}
Result<void*> map_shared(std::size_t) noexcept {
    return Errc::unsupported;
}
void unmap(void*, std::size_t) noexcept {}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port

// What RingHandle needs of src/members.cpp, a ring that grows, a roster: they are not used here.
namespace brood {
inline namespace v0 {
namespace detail {

Status grow_ring(Ring&, Membership&, std::size_t, std::int64_t) noexcept {
    return Errc::unsupported;
}
void shrink_ring(Ring&, Membership&) noexcept {}
Result<MemberTable*> family() noexcept {
    return Errc::unsupported;
}
Status join_members(const Members&) noexcept {
    return Errc::unsupported;
}
Membership* membership_in(const MemberTable&) noexcept {
    return nullptr;
}
std::uint32_t MemberTable::number_object(std::uint32_t) noexcept {
    return 1;
}
// Nobody knows the producers.
Status Roster::produced() noexcept {
    return Errc::ok;
}
Roster::Look Roster::look(port::RobustMutex**) noexcept {
    return {};
}

}  // namespace detail
}  // namespace v0
}  // namespace brood

// ---- The scenes --------------------------------------------------------------------------------

namespace model {

using namespace brood::detail;
namespace port = brood::port;

constexpr unsigned kSlotsMax = 2, kThreadsMax = 3, kModelled = 16;
constexpr std::uint32_t kObject = 1, kBegin = 0xffffffffu;  // Indices wrap at once.

struct Whole {
    Ring ring;
    std::uint32_t slot[2 * kSlotsMax];
};
Whole g_whole;
struct Table {
    MemberTable head;
    Member member[kThreadsMax + 1];
};
Table g_table;
rl::var<unsigned>* g_slots;  // what stands in the slots

bool is_slot(const void* at, std::size_t& which) {
    const auto* const base = reinterpret_cast<const unsigned char*>(g_whole.slot);
    const auto* const byte = static_cast<const unsigned char*>(at);
    if (byte < base || byte >= base + sizeof(g_whole.slot)) { return false; }
    which = static_cast<std::size_t>(byte - base) / 8;
    return true;
}

void copy(void* to, const void* from, std::size_t) {
    std::size_t which = 0;
    if (is_slot(to, which)) {
        g_slots[which]($) = *static_cast<const std::uint32_t*>(from);
    } else if (is_slot(from, which)) {
        *static_cast<std::uint32_t*>(to) = g_slots[which]($);
    }
}

template <unsigned kSlots, unsigned kProducers, unsigned kConsumers, unsigned kMessages>
struct Traffic : rl::test_suite<Traffic<kSlots, kProducers, kConsumers, kMessages>,
                                static_cast<int>(kProducers + kConsumers)> {
    static constexpr unsigned kTotal = kProducers * kMessages;
    static_assert(kTotal % kConsumers == 0);
    rl::checked<std::uint32_t> modelled[kModelled];
    rl::var<unsigned> slots[kSlotsMax];
    unsigned got[kTotal] = {};

    void before() {
        Ring& ring = g_whole.ring;
        ring.shape.message_bytes = sizeof(std::uint32_t);
        ring.shape.slot_bytes = 8;
        ring.shape.slots.store(kSlots);
        ring.shape.most.store(kSlots);
        ring.object = kObject;
        ring.shape.slots_at = offsetof(Whole, slot);
        g_table.head.has_fences = 0;
        g_slots = slots;
        rl::checked<std::uint32_t>* next = modelled;
        for (RingSide* side : {&ring.put, &ring.get}) {
            side->lease.word.model(*next++);
            side->shared_left.model(*next++);
            side->lease.note.model(*next++, kBegin);
            side->index.model(*next++, kBegin);
        }
        ring.bell.word.model(*next++);
        ring.bell.note.model(*next++);
        for (unsigned i = 1; i <= kThreadsMax; ++i) {
            g_table.member[i].op.model(*next++);
            g_table.member[i].object.model(*next++);
        }
    }

    void thread(unsigned index) {
        Membership me;
        me.table = &g_table.head;
        me.last = kThreadsMax;
        me.self = &g_table.member[index + 1];
        me.index = index + 1;
        if (index < kProducers) {
            for (std::uint32_t i = 0; i < kMessages; ++i) {
                const std::uint32_t message = index * kMessages + i;
                const auto put = Transfer<RingEnd::put>(g_whole.ring, g_whole.ring.shape, me,
                                                        port::kNever, nullptr, nullptr)
                                     .run(reinterpret_cast<const unsigned char*>(&message), 1);
                RL_ASSERT(put.ok());
            }
            return;
        }
        std::uint32_t before = 0;
        for (unsigned i = 0; i < kTotal / kConsumers; ++i) {
            std::uint32_t message = kTotal;
            const auto all = Transfer<RingEnd::get>(g_whole.ring, g_whole.ring.shape, me,
                                                    port::kNever, nullptr, nullptr)
                                 .run(reinterpret_cast<unsigned char*>(&message), 1);
            RL_ASSERT(all.ok() && message < kTotal);
            RL_ASSERT(got[message] == 0);
            RL_ASSERT(kProducers > 1 || i == 0 || message > before);
            got[message] = 1;
            before = message;
        }
    }
    void after() {
        for (const unsigned times : got) { RL_ASSERT(times == 1); }
    }
};

struct Arguments {
    bool is_short = false;
    const char* scene = "";
};

enum class Outcome { in_order, found, ended };  // The last: for no reason that Relacy names.

// What Relacy calls what it found: none of the rest of its results can come from the ring's code.
const char* verdict_in(const char* line) {
    static constexpr const char* kVerdicts[] = {"USER ASSERT FAILED", "DATA RACE", "DEADLOCK",
                                                "LIVELOCK", "ACCESS TO UNINITIALIZED VARIABLE"};
    for (const char* verdict : kVerdicts) {
        if (strncmp(line, verdict, strlen(verdict)) == 0) { return verdict; }
    }
    return nullptr;
}

template <class Test>
[[noreturn]] void play(int to, rl::scheduler_type_e how, unsigned bound, unsigned long iterations) {
    (void)dup2(to, 1);
    std::cout << std::unitbuf;
    std::ostringstream unseen;
    rl::test_params params;
    params.search_type = how;
    params.context_bound = bound;
    params.iteration_count = iterations;
    params.execution_depth_limit = 20000;
    params.progress_stream = isatty(2) == 1 ? &std::cerr : static_cast<std::ostream*>(&unseen);
    _exit(rl::simulate<Test>(params) ? 0 : 1);
}

// Relacy as it is ends itself, or is ended by its heap, when it has found something and said what:
// so each scene is played in a process of its own. What it did not say, it has not found.
template <class Test>
Outcome plays(const char* name, const Arguments& arguments, rl::scheduler_type_e how,
              unsigned bound, unsigned long iterations) {
    if (strstr(name, arguments.scene) == nullptr) { return Outcome::in_order; }
    const time_t begun = time(nullptr);
    int ends[2];
    if (pipe(ends) != 0) { return Outcome::ended; }
    const pid_t player = fork();
    if (player == 0) { play<Test>(ends[1], how, bound, iterations); }
    close(ends[1]);
    FILE* const said = fdopen(ends[0], "r");
    const char* verdict = nullptr;
    unsigned long long executions = 0;
    char line[2000];
    while (fgets(line, sizeof(line), said) != nullptr) {
        (void)sscanf(line, "iterations: %llu", &executions);
        const bool is_known = verdict != nullptr;
        if (!is_known) { verdict = verdict_in(line); }
        if (!is_known && verdict != nullptr) { printf("  relacy %s: %s\n", name, verdict); }
        if (verdict != nullptr) { printf("    %s", line); }
    }
    fclose(said);
    int status = -1;
    (void)waitpid(player, &status, 0);
    const Outcome outcome = verdict != nullptr               ? Outcome::found
                            : status != 0 || executions == 0 ? Outcome::ended
                                                             : Outcome::in_order;
    const auto seconds = static_cast<long long>(time(nullptr) - begun);
    static constexpr const char* kTexts[] = {"all in order", "BAD", "ENDED, and did not say why"};
    printf("relacy %-28s %9llu executions %4lld s  %s\n", name, executions, seconds,
           kTexts[static_cast<int>(outcome)]);
    fflush(stdout);
    return outcome;
}

int run(const Arguments& arguments) {
    const unsigned long n = arguments.is_short ? 40000 : 1000000;
    const Outcome outcomes[] = {
        plays<Traffic<1, 1, 1, 2>>("1 to 1", arguments, rl::sched_random, 0, n),
        plays<Traffic<2, 1, 1, 3>>("1 to 1, two slots", arguments, rl::sched_random, 0, n),
        plays<Traffic<1, 2, 1, 1>>("2 to 1", arguments, rl::sched_random, 0, n),
        plays<Traffic<2, 1, 2, 2>>("1 to 2", arguments, rl::sched_random, 0, n),
        plays<Traffic<1, 1, 1, 1>>("1 to 1, 2 switches", arguments, rl::sched_bound, 2, n),
    };
    int worst = 0;
    for (const Outcome outcome : outcomes) {
        if (outcome == Outcome::found) { return 1; }
        if (outcome == Outcome::ended) { worst = 2; }
    }
    return worst;
}

}  // namespace model

int main(int argc, char** argv) {
    model::Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        if (strcmp(argv[i], "--short") == 0) { arguments.is_short = true; }
        if (strcmp(argv[i], "--scenario") == 0 && i + 1 < argc) { arguments.scene = argv[++i]; }
    }
    return model::run(arguments);
}
