// Ten people come to the ktv, but no more than four of them sing at a time: a Semaphore.
#include <iterator>

#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;
using stage::words;

static void ktv(const char* person, Semaphore& places) {
    const Permit place = places.acquire();
    say("%s has entered the ktv and sings", "%s进入了ktv,正在唱歌", person);
    stage::take(stage::between(3, 6));
    say("%s has left the ktv", "%s离开了ktv，唱完了", person);
}

int main() {
    Semaphore places = Semaphore::create(4).expect("making the semaphore");
    const char* const people[] = {
        words("Mao Honglei", "毛洪磊"),  words("Guo Kai", "郭凯"),
        words("Liu Zitao", "刘子涛"),    words("Song Yunjie", "宋云杰"),
        words("Ma Shengping", "马生平"), words("Li Ya", "李亚"),
        words("Liu Caixia", "刘彩霞"),   words("Zhang Jie", "张捷"),
        words("Wang Panpan", "王盼盼"),  words("Xu Yanwei", "徐艳伟"),
    };
    Process processes[std::size(people)];
    for (std::size_t i = 0; i < std::size(people); ++i) {
        processes[i] = Process(ktv, people[i], places);
        processes[i].start().expect("starting a person");
    }
}
