#include "weather.hpp"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace storm {

std::int64_t now_ns() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

void sleep_us(std::int64_t us) {
    const timespec span = {static_cast<time_t>(us / 1000000),
                           static_cast<long>(us % 1000000 * 1000)};
    (void)nanosleep(&span, nullptr);
}

// ---- Of a process in the storm ----------------------------------------------------------------

void Here::rest_in_hush() {
    for (;;) {
        const std::uint32_t hush = sky_.hush.load();
        if ((hush & role_) == 0 || sky_.over.load(std::memory_order_relaxed) != 0) { return; }
        seat_.rests.store(hush);
        sleep_us(100);
    }
}

void Here::spin(std::uint32_t us) {
    const std::int64_t until = now_ns() + std::int64_t{1000} * chance_.below(us + 1);
    while (now_ns() < until) {}
}

// ---- What was found ---------------------------------------------------------------------------

void Faults::add(const char* scene, const char* what, const char* format, ...) {
    constexpr long kPrinted = 20;
    if (++count_ > kPrinted) { return; }
    char text[300];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    printf("%s  %s: %s: %s\n", isatty(2) == 1 ? "\r" : "", scene, what, text);
    fflush(stdout);
}

// ---- The storm --------------------------------------------------------------------------------

void Weather::start(unsigned seat) {
    Seat& place = sky_.seat[seat];
    place.rests.store(0);
    place.doomed.store(0);
    const pid_t pid = fork();
    if (pid < 0) {
        perror("storm: fork");
        end_all();
        _exit(2);
    }
    if (pid == 0) {
        (void)alarm(600);  // Should the storm itself be killed.
        Here here(sky_, seat, scene_.role_of(seat));
        _exit(scene_.act(seat, here));
    }
    person_[seat] = {pid, false};
}

void Weather::fill() {
    for (unsigned seat = 0; seat < scene_.seats(); ++seat) {
        if (person_[seat].pid == 0) { start(seat); }
    }
}

bool Weather::look_who_left() {
    for (unsigned seat = 0; seat < scene_.seats(); ++seat) {
        Person& person = person_[seat];
        int status = 0;
        if (person.pid == 0 || waitpid(person.pid, &status, WNOHANG) != person.pid) { continue; }
        person = {};
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            if (is_last_of_its_role(seat) && sky_.over.load() == 0) { start(seat); }
            continue;
        }
        faults_.add(scene_.name(), "failed", "the one in seat %u ended with status %#x", seat,
                    static_cast<unsigned>(status));
        is_broken_ = true;
    }
    return !is_broken_;
}

bool Weather::is_last_of_its_role(unsigned seat) const {
    for (unsigned other = 0; other < scene_.seats(); ++other) {
        const bool is_there = other != seat && person_[other].pid != 0;
        if (is_there && scene_.role_of(other) == scene_.role_of(seat)) { return false; }
    }
    return true;
}

void Weather::kill_one(unsigned seat) {
    Person& person = person_[seat];
    sky_.seat[seat].doomed.store(1);
    (void)kill(person.pid, SIGKILL);
    int status = 0;
    (void)waitpid(person.pid, &status, 0);
    person = {};
    // It may have ended by itself just before.
    if (WIFSIGNALED(status)) {
        ++kills_;
        scene_.reckon(seat);
    }
    if (is_last_of_its_role(seat)) { start(seat); }
}

void Weather::strike(unsigned seat) {
    Person& person = person_[seat];
    if (person.pid == 0) { return; }
    const std::uint32_t dice = chance_.below(8);
    if (dice < 4) {
        kill_one(seat);
    } else if (dice < 6) {
        (void)kill(person.pid, SIGSTOP);
        person.is_stopped = true;
        ++stops_;
    } else {
        for (std::uint32_t left = 1 + chance_.below(16); left > 0; --left) {
            (void)kill(person.pid, SIGUSR1);
            ++signals_;
        }
    }
}

void Weather::gust() {
    for (std::uint32_t blows = 1 + chance_.below(5); blows > 0; --blows) {
        if (!chance_.once_in(3)) { sleep_us(chance_.below(2000)); }
        if (!scene_.strike(chance_)) { strike(chance_.below(scene_.seats())); }
    }
}

// Those who were stopped go on, or never more.
void Weather::go_on() {
    scene_.go_on();
    for (unsigned seat = 0; seat < scene_.seats(); ++seat) {
        Person& person = person_[seat];
        if (!person.is_stopped) { continue; }
        person.is_stopped = false;
        if (chance_.once_in(4)) {
            kill_one(seat);
        } else {
            (void)kill(person.pid, SIGCONT);
        }
    }
}

// What has state but no words: how everybody stands when nothing moves any more.
void Weather::describe() {
    for (unsigned seat = 0; seat < scene_.seats(); ++seat) {
        char path[40], line[200] = {};
        snprintf(path, sizeof(path), "/proc/%d/wchan", static_cast<int>(person_[seat].pid));
        FILE* const file = fopen(path, "r");
        if (file != nullptr) {
            if (fgets(line, sizeof(line), file) == nullptr) { line[0] = '\0'; }
            (void)fclose(file);
        }
        printf("    seat %u, role %u, process %d, %s: %s\n", seat, scene_.role_of(seat),
               static_cast<int>(person_[seat].pid),
               sky_.seat[seat].rests.load() == sky_.hush.load() ? "rests" : "at it", line);
    }
}

template <class F>
bool Weather::await(const char* what, F condition) {
    const std::int64_t begun_ns = now_ns();
    while (!condition()) {
        if (is_broken_) { return false; }
        if (now_ns() - begun_ns > options_.patience_ms * 1000000) {
            faults_.add(scene_.name(), "stuck", "after %lld ms: %s",
                        static_cast<long long>(options_.patience_ms), what);
            describe();
            is_broken_ = true;
            return false;
        }
        sleep_us(50);
    }
    const std::int64_t took_ns = now_ns() - begun_ns;
    if (took_ns > longest_ns_) { longest_ns_ = took_ns; }
    return true;
}

bool Weather::has_rested(unsigned roles, std::uint32_t hush) {
    (void)look_who_left();
    for (unsigned seat = 0; seat < scene_.seats(); ++seat) {
        const bool shall = person_[seat].pid != 0 && (scene_.role_of(seat) & roles) != 0;
        if (shall && sky_.seat[seat].rests.load() != hush) { return false; }
    }
    return true;
}

// Half of the time without newcomers: they would make up for what went wrong.
bool Weather::hush() {
    const unsigned roles = scene_.next_hush(chance_);
    const std::uint32_t hush = ++hushes_ << 2 | roles;
    if (chance_.once_in(2)) { fill(); }
    sky_.hush.store(hush);
    const bool came = await("some do not come to rest", [&] { return has_rested(roles, hush); }) &&
                      await("what is possible is not done",
                            [&] { return look_who_left() && scene_.is_quiet(roles); });
    sky_.hush.store(0);
    return came;
}

bool Weather::has_ended(unsigned role) {
    (void)look_who_left();
    for (unsigned seat = 0; seat < scene_.seats(); ++seat) {
        if (person_[seat].pid != 0 && scene_.role_of(seat) == role) { return false; }
    }
    return true;
}

bool Weather::wait_until_ended(unsigned role) {
    return await("it is over, and some do not end", [&] { return has_ended(role); });
}

void Weather::end_all() {
    for (Person& person : person_) {
        if (person.pid == 0) { continue; }
        (void)kill(person.pid, SIGKILL);
        (void)waitpid(person.pid, nullptr, 0);
        person = {};
    }
}

void Weather::play_round() {
    is_broken_ = false;
    sky_.over.store(0);
    scene_.set(sky_, chance_);
    fill();
    for (std::uint32_t gusts = 5 + chance_.below(30); gusts > 0 && !is_broken_; --gusts) {
        gust();
        go_on();
        if (!look_who_left() || scene_.is_used_up()) { break; }
        if (chance_.once_in(2) && !hush()) { break; }
        fill();
    }
    go_on();
    fill();
    sky_.over.store(1);
    if (!is_broken_ && wait_until_ended(1)) {
        scene_.end();
        if (wait_until_ended(2)) { scene_.account(faults_); }
    }
    end_all();
    ++rounds_;
}

void Weather::show_progress(double left) {
    if (isatty(2) != 1) { return; }
    fprintf(stderr, "\r\033[K%s: %.0f s left, %ld kills, %ld stops, %ld faults", scene_.name(),
            left, kills_, stops_, faults_.count());
}

void Weather::rage(double seconds) {
    // Inherited by all. Without SA_RESTART: it interrupts what can be interrupted.
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    (void)sigaction(SIGUSR1, &action, nullptr);
    const std::int64_t begun_ns = now_ns();
    for (seconds_ = 0; seconds_ < seconds;) {
        play_round();
        seconds_ = static_cast<double>(now_ns() - begun_ns) / 1e9;
        show_progress(seconds - seconds_);
        if (options_.until_first && faults_.count() > 0) { break; }
    }
    if (isatty(2) == 1) { fprintf(stderr, "\r\033[K"); }
}

void Weather::print() const {
    printf("%-7s %.0f s: %ld rounds, %ld kills, %ld stops, %ld signals, %u hushes, ", scene_.name(),
           seconds_, rounds_, kills_, stops_, signals_, hushes_);
    printf("longest standstill %.1f ms\n        ", static_cast<double>(longest_ns_) / 1e6);
    scene_.print(seconds_);
    puts("");
    fflush(stdout);
}

}  // namespace storm
