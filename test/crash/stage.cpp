#include "stage.hpp"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "../shared_pages.hpp"
#include "tracee.hpp"

namespace crash {
namespace {

// Lets the others have the processor; rests, if they take long.
void let_others(int look) {
    const timespec span = {0, 200000};
    if (look > 64) {
        nanosleep(&span, nullptr);
    } else {
        sched_yield();
    }
}

constexpr int kCalmLooks = 16;

bool rests(pid_t pid) {
    const char state = state_of(pid);
    return state == 'S' || state == 'Z' || state == 'T';
}
// Of one who may be gone for good, or be held by us.
bool company_rests(pid_t pid) {
    const char state = state_of(pid);
    return state == 'S' || state == 'Z' || state == 'T' || state == 't' || state == 0;
}

}  // namespace

const char* name_of(Fault fault) {
    switch (fault) {
        case Fault::none: return "fine";
        case Fault::wrong: return "wrong";
        case Fault::lost: return "lost";
        case Fault::duplicated: return "duplicated";
        case Fault::wedged: return "wedged";
    }
    return "?";
}

void Gate::open() {
    word_.store(1);
    syscall(SYS_futex, &word_, FUTEX_WAKE, 1 << 30, nullptr, nullptr, 0);
}

void Gate::pass() {
    while (word_.load() == 0) { syscall(SYS_futex, &word_, FUTEX_WAIT, 0, nullptr, nullptr, 0); }
}

// Zeroes are what all of it begins with.
Stage::Stage() : board_(static_cast<Board*>(test::shared_pages(sizeof(Board)))) {}

void Stage::clear() {
    for (int i = 0; i < actors_; ++i) { kill(i); }
    end_group();
    company = nullptr;
    actors_ = 0;
    own_fault_ = Fault::none;
    own_complaint_ = nullptr;
    victim = 0;
    picture_[0] = '\0';
    memset(static_cast<void*>(board_), 0, sizeof(*board_));
}

int Stage::start(const std::function<void(int)>& body) {
    const int actor = actors_;
    if (actor == Board::kVictim) {
        fprintf(stderr, "crash: a scene with too many actors\n");
        exit(2);
    }
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        body(actor);
        _exit(0);
    }
    if (pid < 0) {
        perror("crash: fork");
        exit(2);
    }
    pids_[actor] = pid;
    ++actors_;
    return actor;
}

std::int64_t Stage::deadline() const {
    return now_ns() + patience_ns;
}

bool Stage::is_over(std::int64_t deadline_ns) const {
    for (int look = 0; look < kCalmLooks; ++look) {
        const std::int64_t late_ns = now_ns() - deadline_ns;
        if (late_ns <= 0) { return false; }
        if (late_ns > at_work_ns) { return true; }
        if (is_any_at_work()) { return false; }
        let_others(INT_MAX);
    }
    return true;
}

bool Stage::is_any_at_work() const {
    if (is_at_work(victim)) { return true; }
    for (int i = 0; i < actors_; ++i) {
        if (is_at_work(pids_[i])) { return true; }
    }
    if (!company) { return false; }
    const std::vector<pid_t> pids = company();
    return std::any_of(pids.begin(), pids.end(), is_at_work);
}

bool Stage::all_rest() const {
    for (int i = 0; i < actors_; ++i) {
        if (pids_[i] != 0 && !rests(pids_[i])) { return false; }
    }
    if (!company) { return true; }
    const std::vector<pid_t> pids = company();
    return std::all_of(pids.begin(), pids.end(), company_rests);
}

bool Stage::asleep(int actor) {
    const std::int64_t until = deadline();
    for (int look = 0; !rests(pids_[actor]); ++look) {
        if (is_over(until)) { return false; }
        let_others(look);
    }
    return true;
}

bool Stage::settle(pid_t another) {
    const std::int64_t until = deadline();
    for (int look = 0, calm = 0; calm < 2; ++look) {
        const bool all = another == 0 || rests(another);
        calm = all && all_rest() ? calm + 1 : 0;
        if (calm == 0 && is_over(until)) { return false; }
        let_others(look);
    }
    return true;
}

// Of those whose parent is gone we are the parent now.
bool Stage::has_group() const {
    while (waitpid(-group, nullptr, WNOHANG) > 0) {}
    return ::kill(-group, 0) == 0;
}

bool Stage::group_ends() {
    const std::int64_t until = deadline();
    for (int look = 0; group != 0 && has_group(); ++look) {
        if (is_over(until)) { return false; }
        let_others(look);
    }
    group = 0;
    return true;
}

void Stage::end_group() {
    for (int look = 0; group != 0 && has_group(); ++look) {
        ::kill(-group, SIGKILL);
        let_others(look);
    }
    group = 0;
}

int Stage::present() const {
    int count = 0;
    for (int i = 0; i < actors_; ++i) { count += lives(pids_[i]) ? 1 : 0; }
    return count;
}

bool Stage::end(int actor, const char* complaint) {
    const std::int64_t until = deadline();
    for (int look = 0; pids_[actor] != 0; ++look) {
        int status = 0;
        const pid_t found = waitpid(pids_[actor], &status, WNOHANG);
        if (found == pids_[actor]) {
            pids_[actor] = 0;
            if (status != 0) { complain(Fault::wrong, "an actor ended badly"); }
            return status == 0;
        }
        if (is_over(until)) {
            complain(Fault::wedged, complaint);
            kill(actor);
            return false;
        }
        let_others(look);
    }
    return true;
}

void Stage::open_all() {
    for (int i = 0; i < actors_; ++i) { gate(i).open(); }
}

void Stage::kill(int actor) {
    if (pids_[actor] == 0) { return; }
    ::kill(pids_[actor], SIGKILL);
    while (waitpid(pids_[actor], nullptr, 0) < 0 && errno == EINTR) {}
    pids_[actor] = 0;
}

void Stage::complain(Fault fault, const char* text, int actor) {
    if (actor < 0) {
        if (fault == Fault::wedged && picture_[0] == '\0') { take_picture(); }
        if (fault > own_fault_) {
            own_fault_ = fault;
            own_complaint_ = text;
        }
    } else if (fault > board_->faults[actor].load()) {
        board_->complaints[actor].store(text);
        // If killed here: nothing was said.
        board_->faults[actor].store(fault);
    }
}

// Twice, some time apart: whether they only were not through yet.
void Stage::take_picture() {
    std::size_t length = 0;
    const auto add = [&](const char* who, int number, pid_t pid) {
        char one[160];
        if (!lives(pid)) { return; }
        describe(pid, one, sizeof(one));
        const std::size_t room = sizeof(picture_) - length;
        const int added = snprintf(picture_ + length, room, "\n    %s %d: %s", who, number, one);
        length += std::min(static_cast<std::size_t>(added), room - 1);
    };
    for (const bool again : {false, true}) {
        if (again) { usleep(1000000); }
        for (int i = 0; i < actors_; ++i) { add(again ? "later, actor" : "actor", i, pids_[i]); }
        if (company) {
            for (const pid_t pid : company()) { add(again ? "later, with" : "with", pid, pid); }
        }
        add(again ? "later, victim" : "victim", victim, victim);
    }
}

Fault Stage::fault(const char** text) const {
    Fault worst = own_fault_;
    const char* said = own_complaint_;
    for (int i = 0; i < Board::kActors; ++i) {
        if (board_->faults[i].load() <= worst) { continue; }
        worst = board_->faults[i].load();
        said = board_->complaints[i].load();
    }
    if (text != nullptr) { *text = said; }
    return worst;
}

}  // namespace crash
