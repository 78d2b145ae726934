// A daemon ends when its parent ends: the steward does not outlive his emperor.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static void task(const char* name) {
    say("steward %s is alive", "%s总管正在活着", name);
    stage::take(3);
    say("steward %s dies", "%s总管正在死亡", name);
}

int main() {
    Process p(task, "egon");
    p.daemon(true).expect("making it a daemon");  // Before start(): later it is already_started.
    p.start().expect("starting the daemon");
    say("emperor jason has passed away", "皇帝jason寿终正寝");
}
