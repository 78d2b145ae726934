// pause() sleeps until a signal was handled; wait_signal() takes one that came before, too.
#include <csignal>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static void sleep_by_pause(Event& ready) {
    signals::on(SIGUSR1, [](int) {}).expect("handling SIGUSR1");
    ready.set().expect("telling that it may come");
    say("pause: I sleep", "pause: 阻塞等待一个信号的发生");
    signals::pause();
    say("pause: I was woken", "pause: 信号发生了");
}

static void sleep_by_wait(Event& ready) {
    const signals::Set awaited = {SIGUSR1};
    const signals::Blocked blocked(awaited);
    ready.set().expect("telling that it may come");
    stage::take(1);
    const int signal = signals::wait_signal(awaited).expect("waiting for a signal");
    say("wait_signal: I got %s", "wait_signal: 收到信号%s", signals::name(signal));
}

int main() {
    Event ready = Event::create().expect("making an event");
    Process pauser(sleep_by_pause, ready);
    pauser.start().expect("starting the one who pauses");
    ready.wait().expect("waiting until he handles it");
    // One signal may come just before pause(), which would sleep for ever then.
    while (pauser.join(milliseconds(stage::span(1))).code() == Errc::timed_out) {
        pauser.send_signal(SIGUSR1).expect("waking him");
    }

    ready.clear().expect("clearing the event");
    Process waiter(sleep_by_wait, ready);
    waiter.start().expect("starting the one who waits");
    ready.wait().expect("waiting until it is blocked");
    waiter.send_signal(SIGUSR1).expect("sending it once");
    waiter.join().expect("joining him");
}
