// join() makes the parent wait: the last e-mail is sent after all those of the children.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static void func() {
    say("sending the first e-mail: I ask for more pay", "发送第一封邮箱,要求张工资");
}

static void send(int i) {
    stage::take(1);
    say("sending e-mail %d: I ask for a promotion", "发送第%d封邮箱,要求升职加薪", i);
}

int main() {
    Process p(func);
    p.start().expect("starting the sender");
    p.join().expect("joining the sender");
    say("sending the second e-mail: now 60000 a month", "发送第二封邮箱,涨到一个月6万");

    Process senders[10];
    for (int i = 0; i < 10; ++i) {
        senders[i] = Process(send, i);
        senders[i].start().expect("starting a sender");
    }
    for (Process& sender : senders) { sender.join().expect("joining a sender"); }
    say("the main process sends the last e-mail: kind regards", "主进程发最后一封邮件:此致敬礼~");
}
