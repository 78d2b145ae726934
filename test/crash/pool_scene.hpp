// What all scenes of a pool have: who is there, seen from outside, and what must hold in the end.
#ifndef BROOD_TEST_CRASH_POOL_SCENE_HPP
#define BROOD_TEST_CRASH_POOL_SCENE_HPP

#include <signal.h>
#include <string.h>

#include <string>

#include "../shared_pages.hpp"
#include "pool_host.hpp"
#include "scene.hpp"

namespace crash {

// What happens while the victim stands.
inline constexpr int kMore = 1, kWorkerKilled = 2, kBroken = 3, kHostKilled = 4;

// Where nobody is left to end them they go after their task.
inline bool workers_go_late() {
    return strcmp(brood::port::kName, "posix") == 0;
}

class PoolScene : public Scene {
public:
    PoolScene(const char* who, const PoolPlan& plan)
        : plan_(plan), name_(std::string("Pool: ") + who + ": " + plan.name) {
        static auto* const pages = static_cast<Talk*>(test::shared_pages(sizeof(Talk)));
        talk = pages;
    }

    const char* name() const override { return name_.c_str(); }
    std::size_t rounds() const override { return 2; }
    std::size_t short_share() const override { return 3; }

    void set(Stage& stage) override {
        memset(static_cast<void*>(talk), 0, sizeof(*talk));
        is_host_killed_ = false;
        stage.company = [this] { return company(); };
    }

    void account(Stage& stage, bool) override {
        if (stage.fault() == Fault::wedged) { return; }
        stage.check(stage.group_ends(), Fault::wedged, "processes of the pool stay behind");
        const std::uint32_t most = plan_.care == Care::retries ? 1 + kRetries : 1;
        for (const auto& runs : talk->runs) {
            stage.check(runs.load() <= most, Fault::duplicated, "a task ran twice, and late");
        }
        const bool is_exact = talk->is_broken.load() == 0 && !is_host_killed_ &&
                              plan_.care != Care::retries && plan_.act != Act::map &&
                              plan_.act != Act::drop && plan_.act != Act::cancel &&
                              plan_.act != Act::time_out && plan_.act != Act::terminate;
        stage.check(!is_exact || talk->died.load() == talk->deaths.load(), Fault::lost,
                    "a death in a task that nobody heard of");
    }

protected:
    // ---- Who is there: seen from outside, as they alone have the memory that they share.
    bool look() { return window_.look(talk->place); }
    pid_t worker(std::uint32_t index) { return window_.worker(index); }
    std::vector<pid_t> company() {
        std::vector<pid_t> pids;
        if (!look()) { return pids; }
        pids.push_back(talk->place.supervisor.load());
        for (std::uint32_t i = 0; i < window_.workers(); ++i) {
            if (worker(i) != 0) { pids.push_back(worker(i)); }
        }
        return pids;
    }
    bool all_live() {
        return look() && window_.is_complete(&lives) && lives(talk->place.supervisor.load());
    }

    // ---- Deaths. Told before they happen.
    void worker_will_die(std::uint32_t index) {
        talk->deaths.fetch_add(
            window_.tasks(brood::detail::TaskState::claimed, static_cast<int>(index)));
    }
    void will_die(pid_t pid) {
        if (pid == talk->place.supervisor.load()) { talk->is_broken.store(1); }
        if (!look()) { return; }
        for (std::uint32_t i = 0; i < window_.workers(); ++i) {
            if (worker(i) == pid) { worker_will_die(i); }
        }
    }
    void kill_worker(std::uint32_t index) {
        if (!look() || !lives(worker(index))) { return; }
        const pid_t pid = worker(index);
        worker_will_die(index);
        (void)kill(pid, SIGKILL);
    }
    // One that is in a task, or is not.
    std::uint32_t find_worker(bool is_busy) {
        if (!look()) { return 0; }
        for (std::uint32_t i = 0; i < window_.workers(); ++i) {
            if (window_.is_busy(i) == is_busy) { return i; }
        }
        return 0;
    }
    void break_pool() {
        const pid_t supervisor = talk->place.supervisor.load();
        if (!lives(supervisor)) { return; }
        talk->is_broken.store(1);
        (void)kill(supervisor, SIGKILL);
    }

    const PoolPlan& plan_;
    std::string name_;
    bool is_host_killed_ = false;
    test::PoolWindow window_;
};

}  // namespace crash

#endif
