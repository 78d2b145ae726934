// A class of one's own derived from Process: what it is to do is in run().
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

class MyProcess : public Process {
public:
    explicit MyProcess(const char* greeting) : greeting_(greeting) {}

    void run() override {
        say("%s", "%s", greeting_);
        stage::take(1);
        say("get out!", "get out!");
    }

private:
    const char* greeting_;
};

int main() {
    MyProcess p("hello bf girl");
    p.start().expect("starting the process");
    say("I am the main process", "我是主进程");
}  // The end of main waits for p.
