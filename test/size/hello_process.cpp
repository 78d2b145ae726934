// The smallest program with a process and a pipe: `make size` tells how large it is.
#include <brood/pipe.hpp>
#include <brood/process.hpp>

using namespace brood;

int main() {
    auto [receiver, sender] = Pipe<unsigned>::simplex().expect("making a pipe");
    Process child([](Sender<unsigned>& to) { to.send(144).expect("sending"); }, std::move(sender));
    child.start().expect("starting the child");
    const Result<unsigned> square = receiver.recv();
    child.join().expect("joining the child");
    return square.ok() && *square == 144 ? 0 : 1;
}
