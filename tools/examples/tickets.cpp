// Ten people want three train tickets: without a Lock too many get one.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;
using stage::words;

static char office[] = "/tmp/12306-XXXXXX";  // The file that holds the count.

static int read_count() {
    int count = 0;
    std::ifstream(office) >> count;
    return count;
}

static void write_count(int count) {
    std::fstream(office) << count;
}

static void get_ticket(const char* person) {
    const int count = read_count();
    say("{'count': %d}", "{'count': %d}", count);
    stage::take(0.5);
    if (count > 0) {
        say("%s has got a ticket", "%s抢到票了", person);
        write_count(count - 1);
    } else {
        say("%s has got no ticket", "%s没有抢到这张票", person);
    }
}

static void run(const char* person, Lock* lock) {
    say("%s asks: %d tickets are left", "%s 查询票数：%d", person, read_count());
    if (lock == nullptr) { return get_ticket(person); }
    const Locked hold = lock->acquire();
    get_ticket(person);
}

static void sell(Lock* lock) {
    write_count(3);
    const char* const people[] = {
        words("Li Zhihui", "李志辉"),    words("Song Yunjie", "宋云杰"),
        words("Gao Yunfeng", "高云峰"),  words("Ge Long", "戈隆"),
        words("Sun Zhihe", "孙致和"),    words("Li Huling", "李虎玲"),
        words("Yuan Weizhuo", "袁伟倬"), words("Liu Xinwei", "刘鑫炜"),
        words("Ma Shengping", "马生平"), words("Liu Xin", "刘鑫"),
    };
    Process processes[std::size(people)];
    for (std::size_t i = 0; i < std::size(people); ++i) {
        processes[i] = Process(run, people[i], lock);
        processes[i].start().expect("starting a person");
    }
}

int main() {
    Lock lock = Lock::create().expect("making the lock");
    if (close(mkstemp(office)) != 0) { return 1; }
    say("without a lock:", "不加锁:");
    sell(nullptr);
    say("with a lock:", "加锁:");
    sell(&lock);
    return unlink(office);
}
