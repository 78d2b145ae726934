// A zombie has ended but is not joined yet; an orphan lives on when its parent was killed.
#include <csignal>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;
using stage::words;

static const char* state_of(std::int32_t number) {
    return signals::send(number, 0).ok() ? words("taken", "被占用") : words("free", "已释放");
}

static void show_zombie() {
    Process child([] { say("the child ends", "子进程运行结束"); });
    child.start().expect("starting the child");
    stage::take(1);  // It ends meanwhile.
    say("zombie, not yet joined: its number is %s", "僵尸进程, 死了但是没有死透: 进程号%s",
        state_of(child.pid()));
    child.join().expect("joining the child");
    say("joined: its number is %s", "父进程调用join方法: 进程号%s", state_of(child.pid()));
}

static void live_on(Event& orphaned, Event& seen) {
    orphaned.wait().expect("waiting for the parent's death");
    say("orphan: %d started me, now my parent is %d", "孤儿进程: 父进程原来是%d, 现在是%d",
        this_process::parent_process(), this_process::parent_id());
    seen.set().expect("telling that it was seen");
}

static void die_early(Event& orphaned, Event& seen) {
    Process child(live_on, orphaned, seen);
    child.start().expect("starting the grandchild");
    signals::send(this_process::id(), SIGKILL).expect("killing the parent");
}

int main() {
    show_zombie();

    Event orphaned = Event::create().expect("making an event");
    Event seen = Event::create().expect("making an event");
    Process parent(die_early, orphaned, seen);
    parent.start().expect("starting the parent");
    parent.join().expect("joining the parent");
    say("the parent of the orphan is dead: %d", "子进程存活，父进程意外死亡: %d",
        *parent.exit_code());
    orphaned.set().expect("telling the orphan");
    seen.wait().expect("waiting for the orphan");
}
