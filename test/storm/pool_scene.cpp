#include "pool_scene.hpp"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <brood/pool.hpp>

#include "../crash/pool_care.hpp"
#include "../pool_window.hpp"
#include "../shared_pages.hpp"

namespace storm {
namespace {

using brood::Errc;
using brood::Future;
using brood::Pool;
using brood::PoolOptions;
using brood::Result;
using brood::Status;

constexpr unsigned kHostsMax = 3;
constexpr std::uint32_t kQuota = 1u << 18;  // tasks of a seat
constexpr std::uint32_t kBatchMax = 256;
constexpr std::uint32_t kRetries = 20;

// What came of a task, as its host was told; kAsked if that was killed before, or did not want to
// know.
enum Told : std::uint8_t { kNothing, kAsked, kRefused, kDone, kDied, kBroken, kToldMask = 15 };
constexpr std::uint8_t kMayRunAgain = 16;

struct Page {
    test::PoolPlace place;
    alignas(64) std::atomic<std::uint32_t> begun;  // its tasks have numbers below this
    std::atomic<std::uint32_t> breaks;             // supervisors of its pools that were killed
    std::atomic<std::uint32_t> pools, told_by_descriptor;
    std::atomic<std::uint8_t> told[kQuota];
    alignas(64) std::atomic<std::uint8_t> runs[kQuota];
};
struct Book {
    std::atomic<std::uint32_t> is_duel;  // this round
    Page seat[kHostsMax];
};
Book* book = nullptr;

std::uint64_t answer_to(std::uint32_t seat, std::uint32_t number) {
    return (std::uint64_t{number} << 32 | seat) * 0x9e3779b97f4a7c15u;
}
// Now and then it takes a while, so that many a kill falls into it. In a duel, about as long as
// the host looks before it sleeps.
std::uint64_t run(std::uint32_t seat, std::uint32_t number) {
    book->seat[seat].runs[number].fetch_add(1, std::memory_order_relaxed);
    const bool is_duel = book->is_duel.load() != 0;
    const std::uint32_t ns = is_duel ? number * 7919 % 40000 : number % 16 == 0 ? 10000 : 0;
    for (const std::int64_t end = now_ns() + ns; ns > 0 && now_ns() < end;) {}
    if (!is_duel && number % 256 == 0) { sleep_us(number / 256 % 256); }
    return answer_to(seat, number);
}

int complain(const char* what, const Status& status) {
    fprintf(stderr, "  pool: %s: %s (errno %d)\n", what, status.error().name(),
            static_cast<int>(status.error().os_error()));
    return 1;
}

// A host: what it does with one pool after the other.
class Host {
public:
    Host(unsigned index, Here& here) : index_(index), page_(book->seat[index]), here_(here) {}

    int live() {
        while (here_.goes_on()) {
            if (pool_is_over_ && !make()) { return 1; }
            if (page_.begun.load() + kBatchMax > kQuota) {
                sleep_us(500);
            } else if (!play()) {
                return 1;
            }
            if (is_duel_) { here_.spin(40); }
        }
        return end() ? 0 : 1;
    }

private:
    Chance& chance() { return here_.chance(); }

    bool make() {
        const std::uint32_t capacities[] = {8, 64, kBatchMax};
        crash::next_pool_is_careful = chance().once_in(2);
        may_run_again_ = crash::next_pool_is_careful && chance().once_in(2);
        PoolOptions options;
        options.workers(is_duel_ ? 1 : 1 + chance().below(4))
            .capacity(capacities[chance().below(3)]);
        if (may_run_again_) { options.retries(kRetries); }
        is_pollable_ = chance().once_in(2);
        if (is_pollable_) { options.pollable(); }
        page_.place.shared.store(0);
        Result<Pool> made = Pool::create(options);
        if (!made.ok()) { return complain("a pool was not made", made.status()) == 0; }
        pool_ = std::move(*made);
        page_.place.is_of(pool_);
        page_.pools.fetch_add(1);
        pool_is_over_ = false;
        return true;
    }

    // Some tasks, of which it then collects all but those that it forgets.
    bool play() {
        const std::uint32_t mosts[] = {1, 8, kBatchMax};
        const std::uint32_t most = is_duel_ ? 1 : mosts[chance().below(3)];
        // In a duel by descriptor the second ends when the host has heard of the first.
        const std::uint32_t count = is_duel_ && is_pollable_ ? 2 : 1 + chance().below(most);
        std::uint32_t asked = 0;
        for (; asked < count && !pool_is_over_; ++asked) {
            const std::uint32_t number = page_.begun.load();
            page_.told[number].store(kAsked | (may_run_again_ ? kMayRunAgain : 0));
            page_.begun.store(number + 1);
            Result<Future<std::uint64_t>> made = pool_.apply_async(&run, index_, number);
            if (!made.ok()) {
                note(number, kRefused);
                if (made.code() == Errc::full) { break; }
                if (!is_told(made.status(), "a task was refused")) { return false; }
                break;
            }
            number_[asked] = number;
            futures_[asked] = std::move(*made);
        }
        if (is_pollable_) { return collect_in_a_loop(asked); }
        const bool from_last = chance().once_in(4);
        for (std::uint32_t i = 0; i < asked; ++i) {
            if (!collect(from_last ? asked - 1 - i : i)) { return false; }
        }
        return true;
    }

    // As one with an event loop would: it looks at them only after the descriptor told of an end.
    bool collect_in_a_loop(std::uint32_t asked) {
        std::uint32_t open = asked;  // those in front are
        const auto forget = [&](std::uint32_t i) {
            futures_[i] = {};
            std::swap(futures_[i], futures_[--open]);
            std::swap(number_[i], number_[open]);
        };
        for (std::uint32_t i = asked; i-- > 0;) {
            if (chance().once_in(64)) { forget(i); }
        }
        while (open > 0) {
            pollfd item = {pool_.fileno(), POLLIN, 0};
            while (poll(&item, 1, -1) < 0 && errno == EINTR) {}
            if (item.revents == 0) { return complain("it could not be polled", Errc::ok) == 0; }
            pool_.poll().ignore();
            const bool has_ended = pool_.supervisor_pid() == 0;
            for (std::uint32_t i = open; i-- > 0;) {
                if (!has_ended && !futures_[i].ready()) { continue; }
                if (!judge(number_[i], futures_[i].get())) { return false; }
                page_.told_by_descriptor.fetch_add(1);
                forget(i);
            }
        }
        return true;
    }

    bool collect(std::uint32_t at) {
        Future<std::uint64_t> future = std::move(futures_[at]);
        if (chance().once_in(64)) { return true; }
        if (chance().once_in(16)) {
            future.wait(brood::microseconds(chance().below(300))).ignore();
        }
        return judge(number_[at], future.get());
    }

    bool judge(std::uint32_t number, const Result<std::uint64_t>& got) {
        if (got.ok()) {
            note(number, kDone);
            return *got == answer_to(index_, number) || complain("a wrong result", Errc::ok) == 0;
        }
        if (got.code() == Errc::worker_died) {
            note(number, kDied);
            return true;
        }
        note(number, kBroken);
        return is_told(got.status(), "a task ended badly");
    }

    bool is_told(const Status& status, const char* what) {
        pool_is_over_ = true;
        return is_broken(status) || complain(what, status) == 0;
    }
    bool is_broken(const Status& status) const {
        return status.code() == Errc::pool_broken && page_.breaks.load() > 0;
    }
    void note(std::uint32_t number, Told told) {
        page_.told[number].store(told | (may_run_again_ ? kMayRunAgain : 0));
    }

    bool end() {
        if (pool_is_over_) { return true; }
        pool_.close().ignore();
        const Status joined = pool_.join();
        return joined.ok() || is_broken(joined) || complain("join() failed", joined) == 0;
    }

    unsigned index_;
    Page& page_;
    Here& here_;
    Pool pool_;
    const bool is_duel_ = book->is_duel.load() != 0;
    bool pool_is_over_ = true, may_run_again_ = false, is_pollable_ = false;
    std::uint32_t number_[kBatchMax] = {};
    Future<std::uint64_t> futures_[kBatchMax];
};

class PoolScene : public Scene {
public:
    PoolScene() { book = static_cast<Book*>(test::shared_pages(sizeof(Book))); }

    const char* name() const override { return "pool"; }
    void set(Sky& sky, Chance& chance) override;
    unsigned seats() const override { return hosts_; }
    unsigned role_of(unsigned) const override { return 1; }
    int act(unsigned seat, Here& here) override {
        (void)setpgid(0, 0);
        book->seat[seat].place.shared.store(0);
        book->seat[seat].place.host.store(getpid());
        Host host(seat, here);
        return host.live();
    }
    void reckon(unsigned seat) override;
    bool strike(Chance& chance) override;
    void go_on() override;
    unsigned next_hush(Chance&) override { return 1; }
    bool is_quiet(unsigned) override { return true; }
    bool is_used_up() override {
        return std::any_of(book->seat, book->seat + hosts_,
                           [](const Page& seat) { return seat.begun.load() + kBatchMax > kQuota; });
    }
    void account(Faults& faults) override;
    void print(double seconds) const override {
        printf(
            "%.2f million tasks (%.0f a second) in %ld pools; %ld kills of workers, %ld of"
            " supervisors, %ld stops;\n        %ld tasks told by descriptor, %ld died, %ld were in"
            " a pool that broke, %ld forgotten, %ld ran again",
            static_cast<double>(tasks_) / 1e6, static_cast<double>(tasks_) / seconds, pools_,
            kills_, breaks_, stops_, by_descriptor_, died_, broken_, forgotten_, again_);
    }

private:
    bool is_of(pid_t pid, const Page& seat) const {
        return pid > 0 && getpgid(pid) == seat.place.host.load();
    }
    bool group_ends(pid_t host);
    void read(unsigned index, Faults& faults);

    unsigned hosts_ = 0;
    bool is_duel_ = false;
    test::PoolWindow window_;
    std::vector<pid_t> stopped_;
    long kills_now_ = 0, died_now_ = 0, left_behind_ = 0;  // of this round
    long tasks_ = 0, pools_ = 0, kills_ = 0, breaks_ = 0, stops_ = 0;
    long died_ = 0, broken_ = 0, forgotten_ = 0, again_ = 0, by_descriptor_ = 0;
};

void PoolScene::set(Sky&, Chance& chance) {
    // One host with one worker, of which one comes about when the other falls asleep. Nobody is
    // killed, as a death would wake the other, and make up for what went wrong.
    is_duel_ = chance.once_in(4);
    book->is_duel.store(is_duel_ ? 1 : 0);
    hosts_ = is_duel_ ? 1 : 1 + chance.below(kHostsMax);
    for (Page& seat : book->seat) {
        const std::uint32_t used = seat.begun.load();
        memset(static_cast<void*>(seat.told), 0, used);
        memset(static_cast<void*>(seat.runs), 0, used);
        seat.place.host.store(0);
        seat.place.shared.store(0);
        seat.begun.store(0);
        seat.breaks.store(0);
        seat.pools.store(0);
        seat.told_by_descriptor.store(0);
    }
    stopped_.clear();
    kills_now_ = died_now_ = 0;
}

// Mostly a worker's turn; sometimes the supervisor's; and, where it is false, the host's.
bool PoolScene::strike(Chance& chance) {
    if (!is_duel_ && chance.once_in(24)) { return false; }
    Page& seat = book->seat[chance.below(hosts_)];
    if (!window_.look(seat.place)) { return true; }
    const bool is_worker = !chance.once_in(24);
    const pid_t pid = is_worker ? window_.worker(chance.below(window_.workers()))
                                : seat.place.supervisor.load();
    if (!is_of(pid, seat)) { return true; }
    if (is_duel_ || chance.once_in(3)) {
        stopped_.push_back(pid);
        ++stops_;
        (void)kill(pid, SIGSTOP);
    } else if (is_worker) {
        ++kills_now_;
        (void)kill(pid, SIGKILL);
    } else {
        ++breaks_;
        seat.breaks.fetch_add(1);
        (void)kill(pid, SIGKILL);
    }
    return true;
}

void PoolScene::go_on() {
    for (const pid_t pid : stopped_) {
        for (const Page& seat : book->seat) {
            if (is_of(pid, seat)) { (void)kill(pid, SIGCONT); }
        }
    }
    stopped_.clear();
}

// We are the parent of those whose parent has died.
bool PoolScene::group_ends(pid_t host) {
    constexpr std::int64_t kPatienceNs = 10000000000;
    for (const std::int64_t until = now_ns() + kPatienceNs;;) {
        while (waitpid(-host, nullptr, WNOHANG) > 0) {}
        if (kill(-host, 0) != 0) { return true; }
        if (now_ns() > until) { break; }
        sleep_us(50);
    }
    (void)kill(-host, SIGKILL);
    return false;
}

// Its pool goes with it; a supervisor that was stopped cannot see to that.
void PoolScene::reckon(unsigned index) {
    const pid_t host = book->seat[index].place.host.exchange(0);
    if (host == 0) { return; }  // It was killed before it was one.
    (void)kill(-host, SIGCONT);
    left_behind_ += group_ends(host) ? 0 : 1;
}

void PoolScene::read(unsigned index, Faults& faults) {
    Page& seat = book->seat[index];
    const std::uint32_t begun = seat.begun.load();
    for (std::uint32_t number = 0; number < begun; ++number) {
        const std::uint8_t told = seat.told[number].load();
        const std::uint32_t runs = seat.runs[number].load();
        const std::uint32_t most = (told & kMayRunAgain) != 0 ? 1 + kRetries : 1;
        if (runs > most) {
            faults.add(name(), "twice", "task %u of host %u ran %u times", number, index, runs);
        }
        again_ += runs > 1 ? 1 : 0;
        switch (told & kToldMask) {
            case kDone:
                if (runs == 0) {
                    faults.add(name(), "lost", "task %u of host %u, done, never ran", number,
                               index);
                }
                break;
            case kRefused:
                if (runs != 0) {
                    faults.add(name(), "ghost", "task %u of host %u, refused, ran", number, index);
                }
                break;
            case kDied:
                ++died_now_;
                if ((told & kMayRunAgain) != 0) {
                    faults.add(name(), "died", "task %u of host %u, and did not run again", number,
                               index);
                }
                break;
            case kBroken: ++broken_; break;
            default: ++forgotten_; break;
        }
    }
    tasks_ += begun;
    pools_ += seat.pools.load();
    by_descriptor_ += seat.told_by_descriptor.load();
}

void PoolScene::account(Faults& faults) {
    for (unsigned index = 0; index < hosts_; ++index) {
        const pid_t host = book->seat[index].place.host.load();
        if (host != 0 && !group_ends(host)) { ++left_behind_; }
        read(index, faults);
    }
    if (left_behind_ > 0) {
        faults.add(name(), "orphans", "%ld pools outlived their hosts", left_behind_);
        left_behind_ = 0;
    }
    if (died_now_ > kills_now_) {
        faults.add(name(), "died", "%ld tasks, of %ld killed workers", died_now_, kills_now_);
    }
    died_ += died_now_;
    kills_ += kills_now_;
}

}  // namespace

std::unique_ptr<Scene> make_pool_scene() {
    return std::make_unique<PoolScene>();
}

}  // namespace storm
