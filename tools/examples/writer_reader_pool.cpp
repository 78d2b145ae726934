// Two tasks of a pool write and read words by a queue that a manager made after the pool.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

using Words = Queue<Text<8>>;

static void write_task(Handle<Words> handle) {
    Words q = handle.open().expect("opening the queue");
    for (const char* const s : {"Hello", "World", "Python", "end"}) {
        q.put(s).expect("putting a word");
        say("%d puts --- %s", "%d 进程，正在添加数据---%s", this_process::id(), s);
        stage::take(stage::between(0, 2));
    }
    say("%d has put all", "%d 进程，将要结束任务.......", this_process::id());
}

static void read_task(Handle<Words> handle) {
    Words q = handle.open().expect("opening the queue");
    for (;;) {
        const Text<8> msg = q.get().expect("getting a word");
        if (msg == "end") { break; }
        say("%d reads %s", "%d 进程读取到消息%s", this_process::id(), msg.c_str());
        stage::take(stage::between(0, 2));
    }
    say("%d has read all", "%d 进程，将要读取完毕....", this_process::id());
}

int main() {
    Manager manager = Manager::create().expect("making the manager");
    Pool p = Pool::create(PoolOptions().workers(2)).expect("making the pool");
    Handle<Words> q = manager.queue<Text<8>>().expect("making the queue");

    // Added with apply(), the writer would have to end before the reader begins.
    p.apply_async(write_task, q).expect("adding the writer");
    p.apply_async(read_task, q).expect("adding the reader");

    p.close().expect("closing the pool");
    p.join().expect("joining the pool");
    say("the main process is done", "主进程执行完毕");
}
