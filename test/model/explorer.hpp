// A small explicit-state explorer: all states that a model can come into, whether one of them is
// bad, and whether from each of them what is wanted can still be reached.
//
// A model M has
//   State             plain bytes, all of them set
//   kActors           how many processes
//   first()           the state to begin with
//   each(state, f)    f(next state, actor, Step) for each step that somebody can take
//   bad(state)        what is wrong with it; null: nothing
//   is_done(state, without)     all that is possible is done, but by `without` (-1: by all)
//   may_stop(state, actor)      whether the others must come to an end if that one stops here
//   print(state)                one line
#ifndef BROOD_TEST_MODEL_EXPLORER_HPP
#define BROOD_TEST_MODEL_EXPLORER_HPP

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

namespace model {

/// What kind of a step. Nobody may count on a blow: a death, a birth, a time that runs out.
enum class Step : std::uint8_t { acts, drains, blow };

/// The states that one of a model's actors can come into by its next step: at most kMost.
template <class State, int kMost>
struct NextStates {
    State next[kMost];
    Step step[kMost];
    int count = 0;

    void add(const State& state, Step by = Step::acts) {
        next[count] = state;
        step[count++] = by;
    }
    template <class F>
    void each(int actor, F f) const {
        for (int i = 0; i < count; ++i) { f(next[i], actor, step[i]); }
    }
};

struct Verdict {
    bool found = false;  // something
    bool too_many = false;
    std::size_t states = 0;
    double seconds = 0;
};

template <class M>
class Explorer {
public:
    using State = typename M::State;
    Explorer(const M& model, std::size_t most) : model_(model), most_(most) {}

    /// Prints the way to what it finds, if `loud`.
    Verdict run(const char* name, bool loud) {
        const double begun = now();
        table_.assign(std::size_t{1} << 16, 0);
        add(model_.first(), 0, 0, Step::acts);
        Verdict verdict;
        for (at_ = 0; at_ < states_.size(); ++at_) {
            if (at_ % 65536 == 0) { show(name, begun); }
            const State here = states_[at_];
            const char* const wrong = model_.bad(here);
            if (wrong != nullptr) {
                verdict.found = true;
                if (loud) { report(name, wrong, at_); }
                break;
            }
            if (states_.size() > most_) {
                verdict.too_many = true;
                break;
            }
            model_.each(here, [&](const State& next, int actor, Step step) {
                add(next, static_cast<std::uint32_t>(at_), actor, step);
            });
        }
        if (!verdict.found && !verdict.too_many) {
            verdict.found = !all_come_to_an_end(name, loud);
        }
        if (isatty(2) == 1) { fputs("\r\033[K", stderr); }
        verdict.states = states_.size();
        verdict.seconds = now() - begun;
        return verdict;
    }

private:
    struct Edge {
        std::uint32_t from, to;
        std::int8_t actor;  // -1: the machine itself
    };
    struct Way {
        std::uint32_t from;
        std::int8_t actor;
        Step step;
    };

    static double now() {
        timespec time = {};
        clock_gettime(CLOCK_MONOTONIC, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
    }
    void show(const char* name, double begun) const {
        if (isatty(2) != 1) { return; }
        const double rate = static_cast<double>(at_) / (now() - begun + 1e-3);
        fprintf(stderr, "\r\033[K%s: %zu states, %zu to look at, %.0f a second", name,
                states_.size(), states_.size() - at_, rate);
    }

    static std::uint64_t hash_of(const State& state) {
        std::uint64_t hash = 0x9e3779b97f4a7c15u, word = 0;
        const auto* bytes = reinterpret_cast<const unsigned char*>(&state);
        for (std::size_t i = 0; i < sizeof(State); i += sizeof(word)) {
            const std::size_t left = sizeof(State) - i;
            word = 0;
            memcpy(&word, bytes + i, left < sizeof(word) ? left : sizeof(word));
            hash = (hash ^ word) * 0xff51afd7ed558ccdu;
            hash ^= hash >> 32;
        }
        return hash;
    }

    void add(const State& state, std::uint32_t from, int actor, Step step) {
        std::size_t slot = hash_of(state) & (table_.size() - 1);
        while (table_[slot] != 0 &&
               memcmp(&states_[table_[slot] - 1], &state, sizeof(State)) != 0) {
            slot = (slot + 1) & (table_.size() - 1);
        }
        if (table_[slot] == 0) {
            states_.push_back(state);
            ways_.push_back({from, static_cast<std::int8_t>(actor), step});
            table_[slot] = static_cast<std::uint32_t>(states_.size());
            if (states_.size() * 2 > table_.size()) {
                if (step != Step::blow) { note(from, states_.size() - 1, actor, step); }
                return grow();
            }
        }
        if (step != Step::blow) { note(from, table_[slot] - 1, actor, step); }
    }
    void note(std::uint32_t from, std::size_t to, int actor, Step step) {
        const int by = step == Step::drains ? -1 : actor;
        edges_.push_back({from, static_cast<std::uint32_t>(to), static_cast<std::int8_t>(by)});
    }
    void grow() {
        table_.assign(table_.size() * 2, 0);
        for (std::size_t i = 0; i < states_.size(); ++i) {
            std::size_t slot = hash_of(states_[i]) & (table_.size() - 1);
            while (table_[slot] != 0) { slot = (slot + 1) & (table_.size() - 1); }
            table_[slot] = static_cast<std::uint32_t>(i + 1);
        }
    }

    // Backwards from where all is done. Without anybody's dying; and with each of them stopped.
    bool all_come_to_an_end(const char* name, bool loud) {
        std::vector<std::uint32_t> first(states_.size() + 1, 0), by_target(edges_.size());
        for (const Edge& edge : edges_) { ++first[edge.to + 1]; }
        for (std::size_t i = 0; i < states_.size(); ++i) { first[i + 1] += first[i]; }
        std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
        for (std::size_t i = 0; i < edges_.size(); ++i) {
            by_target[next[edges_[i].to]++] = static_cast<std::uint32_t>(i);
        }
        for (int without = -1; without < M::kActors; ++without) {
            std::vector<std::uint8_t> reaches(states_.size(), 0);
            std::vector<std::uint32_t> found;
            for (std::size_t i = 0; i < states_.size(); ++i) {
                if (!model_.is_done(states_[i], without)) { continue; }
                reaches[i] = 1;
                found.push_back(static_cast<std::uint32_t>(i));
            }
            while (!found.empty()) {
                const std::uint32_t to = found.back();
                found.pop_back();
                for (std::uint32_t i = first[to]; i < first[to + 1]; ++i) {
                    const Edge& edge = edges_[by_target[i]];
                    if (reaches[edge.from] != 0 || (without >= 0 && edge.actor == without)) {
                        continue;
                    }
                    reaches[edge.from] = 1;
                    found.push_back(edge.from);
                }
            }
            for (std::size_t i = 0; i < states_.size(); ++i) {
                const bool must = without < 0 || model_.may_stop(states_[i], without);
                if (!must || reaches[i] != 0) { continue; }
                char text[100];
                snprintf(text, sizeof(text), "wedged: what is possible is out of reach%s",
                         without < 0 ? "" : " as long as one is stopped who is at nothing");
                if (loud) { report(name, text, i); }
                return false;
            }
        }
        return true;
    }

    void report(const char* name, const char* wrong, std::size_t at) const {
        if (isatty(2) == 1) { fputs("\r\033[K", stderr); }
        std::vector<std::size_t> path;
        for (std::size_t i = at; i != 0; i = ways_[i].from) { path.push_back(i); }
        printf("  %s: %s, after %zu steps:\n", name, wrong, path.size());
        model_.print(states_[0]);
        for (std::size_t i = path.size(); i-- > 0;) {
            const Way& way = ways_[path[i]];
            static constexpr const char* kNames[] = {"", " (its store is seen)", " (a blow)"};
            printf("    %d%s\n", way.actor + 1, kNames[static_cast<std::size_t>(way.step)]);
            model_.print(states_[path[i]]);
        }
        fflush(stdout);
    }

    const M& model_;
    std::size_t most_;
    std::size_t at_ = 0;
    std::vector<State> states_;
    std::vector<Way> ways_;
    std::vector<Edge> edges_;
    std::vector<std::uint32_t> table_;  // 1 + index of a state; 0: free
};

}  // namespace model

#endif
