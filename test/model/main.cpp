// Goal: nobody is wedged, nothing is lost or got twice, no wake-up is missed, however the steps of
//       a few processes fall, whoever dies at whichever, and whoever is stopped between operations.
// Method: every state of a small model is looked at (explorer.hpp); ring_model.hpp and
//       mutex_model.hpp say what is modelled and what is not.
#include <stdlib.h>
#include <string.h>

#include "mutex_model.hpp"
#include "ring_model.hpp"

namespace model {
namespace {

constexpr char kHelp[] =
    "usage: model [options]\n"
    "Explores models of brood's ring and of its mutex.\n\n"
    "  --short          only the smaller scenes\n"
    "  --mistakes       whether each of the mistakes built into the model is found\n"
    "  --scenario TEXT  only scenes with TEXT in their names\n"
    "  --states N       give up a scene after so many (6000000)\n";

struct Arguments {
    bool is_short = false, mistakes = false;
    const char* scene = "";
    std::size_t most = 6000000;
};

bool parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const bool more = i + 1 < argc;
        if (strcmp(argv[i], "--short") == 0) {
            arguments.is_short = true;
        } else if (strcmp(argv[i], "--mistakes") == 0) {
            arguments.mistakes = true;
        } else if (strcmp(argv[i], "--scenario") == 0 && more) {
            arguments.scene = argv[++i];
        } else if (strcmp(argv[i], "--states") == 0 && more) {
            arguments.most = strtoul(argv[++i], nullptr, 10);
        } else {
            return false;
        }
    }
    return true;
}

// Which scenes there are, and which mistakes one could make in them.
struct Rings {
    using Model = RingModel;
    using Scene = RingScene;
    using Mistake = RingMistake;
    static constexpr const char* kName = "ring";
    static constexpr RingScene kScenes[] = {
        // slots, messages there, who puts (1) and gets (2), operations, deaths, who is born
        {"1 to 1", 1, 0, {1, 2, 1}, {2, 2, 0}, 1, 0, 0, true, false, true},
        {"1 to 1, fences", 1, 0, {1, 2, 1}, {2, 2, 0}, 1, 0, 0, false, false, true},
        {"1 to 1, impatient", 1, 0, {1, 2, 1}, {2, 2, 0}, 1, 0, 0, true, true, true},
        {"2 put", 2, 0, {1, 1, 1}, {1, 1, 0}, 1, 0, 0, true, false, true},
        {"2 put, one twice", 2, 0, {1, 1, 1}, {2, 1, 0}, 0, 0, 0, true, false, true},
        {"2 get", 2, 2, {2, 2, 2}, {1, 1, 0}, 1, 0, 0, true, false, true},
        {"2 get, 1 is there", 2, 1, {2, 2, 2}, {1, 1, 0}, 1, 0, 0, true, false, true},
        {"2 put, a birth", 2, 0, {1, 1, 1}, {1, 1, 0}, 1, 1, 1, true, false, false},
        {"1 to 1, a birth", 1, 0, {1, 2, 1}, {1, 1, 0}, 1, 1, 1, true, false, false},
        {"2 to 1, fences", 1, 0, {1, 2, 1}, {1, 1, 1}, 0, 0, 0, false, false, false},
        {"1 to 2, fences", 2, 0, {1, 2, 2}, {2, 1, 1}, 0, 0, 0, false, false, false},
        {"2 to 1", 1, 0, {1, 2, 1}, {1, 1, 1}, 1, 0, 0, true, false, false},
        {"3 put, fences", 2, 0, {1, 1, 1}, {1, 1, 1}, 1, 0, 0, false, false, false},
        {"3 put, 2 deaths, a birth", 2, 0, {1, 1, 1}, {1, 1, 1}, 2, 2, 0, false, false, false},
        {"1 to 2", 1, 0, {1, 2, 2}, {2, 1, 1}, 1, 0, 0, true, false, false},
    };
};

struct Mutexes {
    using Model = MutexModel;
    using Scene = MutexScene;
    using Mistake = MutexMistake;
    static constexpr const char* kName = "mutex";
    static constexpr MutexScene kScenes[] = {
        // turns, deaths
        {"2 once", {1, 1}, 1, false, false, true},
        {"2 three times", {3, 3}, 2, false, false, true},
        {"3 once", {1, 1, 1}, 2, false, false, true},
        {"3 once, impatient", {1, 1, 1}, 2, true, false, true},
        {"4 once, held", {1, 1, 1, 1}, 0, false, true, true},
        {"4 once", {1, 1, 1, 1}, 0, false, false, false},
        {"3 twice", {2, 2, 2}, 2, false, false, false},
        {"3 twice, impatient", {2, 2, 2}, 2, true, false, false},
    };
};

template <class What>
bool explore_all(const Arguments& arguments) {
    bool is_well = true;
    for (const auto& scene : What::kScenes) {
        const bool is_chosen = strstr(scene.name, arguments.scene) != nullptr;
        if (!is_chosen || (arguments.is_short && !scene.is_short)) { continue; }
        const typename What::Model model(scene, What::Mistake::none);
        Explorer<typename What::Model> explorer(model, arguments.most);
        const Verdict verdict = explorer.run(scene.name, true);
        printf("%-6s %-28s %9zu states %6.1f s  %s\n", What::kName, scene.name, verdict.states,
               verdict.seconds,
               verdict.found      ? "BAD"
               : verdict.too_many ? "nothing bad in so many, and there are more"
                                  : "all in order");
        fflush(stdout);
        is_well = is_well && !verdict.found;
    }
    return is_well;
}

template <class What>
int miss_mistakes(const Arguments& arguments) {
    int missed = 0;
    for (int i = 1; i < static_cast<int>(What::Mistake::count); ++i) {
        const auto mistake = static_cast<typename What::Mistake>(i);
        const char* found_in = nullptr;
        std::size_t states = 0;
        for (const auto& scene : What::kScenes) {
            if (!scene.is_short) { continue; }
            const typename What::Model model(scene, mistake);
            const std::size_t most = arguments.most < 4000000 ? arguments.most : 4000000;
            Explorer<typename What::Model> explorer(model, most);
            const Verdict verdict = explorer.run(scene.name, false);
            states += verdict.states;
            if (!verdict.found) { continue; }
            found_in = scene.name;
            break;
        }
        printf("%-6s %-40s %s%s, %zu states\n", What::kName, name_of(mistake),
               found_in != nullptr ? "found in: " : "NOT FOUND",
               found_in != nullptr ? found_in : "", states);
        fflush(stdout);
        missed += found_in == nullptr ? 1 : 0;
    }
    return missed;
}

}  // namespace
}  // namespace model

int main(int argc, char** argv) {
    model::Arguments arguments;
    if (!model::parse(argc, argv, arguments)) {
        const bool asked = argc > 1 && strcmp(argv[1], "--help") == 0;
        fputs(model::kHelp, asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    if (arguments.mistakes) {
        const int missed = model::miss_mistakes<model::Mutexes>(arguments) +
                           model::miss_mistakes<model::Rings>(arguments);
        return missed == 0 ? 0 : 1;
    }
    const bool mutex = model::explore_all<model::Mutexes>(arguments);
    const bool ring = model::explore_all<model::Rings>(arguments);
    return mutex && ring ? 0 : 1;
}
