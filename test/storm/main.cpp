// Goal: in a storm of kills, stops and signals nothing is lost, doubled, torn or invented, nobody
//       is stuck, and all is accounted for, also what the killed had in hand.
// Method: weather.hpp (the storm), ..._scene.cpp (what is done in it). Unlike `make crash` it
//       reaches points inside the kernel, and those that take two processors.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <vector>

#include "../shared_pages.hpp"
#include "lock_scene.hpp"
#include "pool_scene.hpp"
#include "queue_scene.hpp"

namespace storm {
namespace {

constexpr char kHelp[] =
    "usage: storm [options]\n"
    "Kills, stops and signals users of brood's queues, locks, semaphores and pools at random.\n\n"
    "  --seconds N      how long in all (120)\n"
    "  --scenario TEXT  only those with TEXT in their names: queue, locks, pool\n"
    "  --seed N         where the chances begin (1)\n"
    "  --patience MS    how long the others may take in a hush (10000)\n"
    "  --first          end at the first fault\n";

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const char* const one = argv[i];
        const char* const value = i + 1 < argc ? argv[i + 1] : nullptr;
        if (strcmp(one, "--first") == 0) {
            options.until_first = true;
            continue;
        }
        if (value == nullptr || strcmp(one, "--help") == 0) { return false; }
        ++i;
        if (strcmp(one, "--seconds") == 0) {
            options.seconds = atof(value);
        } else if (strcmp(one, "--scenario") == 0) {
            options.scene = value;
        } else if (strcmp(one, "--seed") == 0) {
            options.seed = strtoull(value, nullptr, 10);
        } else if (strcmp(one, "--patience") == 0) {
            options.patience_ms = atol(value);
        } else {
            return false;
        }
    }
    return true;
}

int run(const Options& options) {
    std::unique_ptr<Scene> all[] = {make_queue_scene(), make_lock_scene(), make_pool_scene()};
    std::vector<Scene*> chosen;
    for (const auto& scene : all) {
        if (strstr(scene->name(), options.scene) != nullptr) { chosen.push_back(scene.get()); }
    }
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);  // Whoever is left of a pool is our child then.
    auto& sky = *static_cast<Sky*>(test::shared_pages(sizeof(Sky)));
    Faults faults;
    for (Scene* const scene : chosen) {
        if (options.until_first && faults.count() > 0) { break; }
        Weather weather(*scene, sky, options, faults);
        weather.rage(options.seconds / static_cast<double>(chosen.size()));
        weather.print();
    }
    printf("storm: %ld faults\n", faults.count());
    return faults.count() == 0 && !chosen.empty() ? 0 : 1;
}

}  // namespace
}  // namespace storm

int main(int argc, char** argv) {
    storm::Options options;
    if (!storm::parse(argc, argv, options)) {
        const bool asked = argc > 1 && strcmp(argv[1], "--help") == 0;
        fputs(storm::kHelp, asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    return storm::run(options);
}
