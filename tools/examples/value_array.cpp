// What a child writes into a Value and Arrays, its parent reads: they share memory.
#include <brood/brood.hpp>
#include <tools/examples/stage.hpp>

using namespace brood;
using stage::say;

static void show(const char* name, const Array<int>& array) {
    say("%s: [%d, %d, %d]", "%s: [%d, %d, %d]", name, array[0], array[1], array[2]);
}

int main() {
    Value<int> money = Value<int>::create(100).expect("making a value");
    Array<int> list = Array<int>::create({1, 2, 3}).expect("making an array of a list");
    Array<int> zeroes = Array<int>::create(3).expect("making an array of three zeroes");
    Array<char> text = Array<char>::create_text("kjk").expect("making an array of a text");

    Process child([&] {
        money.value() = 666;
        money.with_lock([](int& amount) { amount -= 66; }).expect("spending");
        for (int& number : list) { number *= 10; }
        *zeroes.at(2).expect("looking at the last one") = 7;
        for (char& letter : text.slice(1, 2).expect("cutting a slice")) { letter = 'o'; }
        if (zeroes.at(3).code() == Errc::out_of_range) { say("child: no [3]", "子进程: 没有[3]"); }
    });
    child.start().expect("starting the child");
    child.join().expect("waiting for the child");

    say("value: %d", "value: %d", money.value());
    show("list", list);
    show("zeroes", zeroes);
    say("text: %.*s", "text: %.*s", static_cast<int>(text.size()), text.data());
}
