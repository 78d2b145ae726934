// One process writes words into a queue, another reads them, until it reads "end".
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

using Words = Queue<Text<8>>;

static void write_task(Words& q) {
    for (const char* const s : {"Hello", "World", "Python", "end"}) {
        q.put(s).expect("putting a word");
        say("%d puts ---- %s", "%d 进程，正在添加数据----%s", this_process::id(), s);
        stage::take(stage::between(0, 2));
    }
    say("%d has put all", "%d 进程， 将要完成任务", this_process::id());
}

static void read_task(Words& q) {
    for (;;) {
        const Text<8> msg = q.get().expect("getting a word");
        if (msg == "end") { break; }
        say("%d reads --- %s", "%d 进程，正在读取数据---%s", this_process::id(), msg.c_str());
        stage::take(stage::between(0, 2));
    }
    say("%d has read all", "%d 进程将要结束。。。", this_process::id());
}

int main() {
    Words q = Words::create().expect("making the queue");
    Process writer(write_task, q);
    Process reader(read_task, q);
    writer.start().expect("starting the writer");
    reader.start().expect("starting the reader");
    writer.join().expect("joining the writer");
    reader.join().expect("joining the reader");
    say("the parent is done", "父进程完成任务了..............");
}
