#include "queue_scene.hpp"

#include <stdio.h>

#include <vector>

#include <brood/queue.hpp>

#include "../shared_pages.hpp"

namespace storm {
namespace {

using brood::Errc;
using brood::Queue;
using brood::Result;
using brood::Timeout;

constexpr unsigned kPutters = 1, kGetters = 2;                 // roles
constexpr std::uint32_t kProducersMax = 8, kConsumersMax = 8;  // also: of a crowd
constexpr std::uint32_t kQuota = 1u << 17;                     // messages of a producer
constexpr std::uint32_t kBatch = 8;                            // at a time

struct Message {
    std::uint32_t producer, number;
    std::uint32_t seal[30];

    static std::uint32_t seal_of(std::uint32_t producer, std::uint32_t number, std::uint32_t at) {
        return (number * 2654435761u ^ producer << 27) + at * 40503u;
    }
    void make(std::uint32_t by, std::uint32_t nth) {
        producer = by;
        number = nth;
        for (std::uint32_t i = 0; i < 30; ++i) { seal[i] = seal_of(by, nth, i); }
    }
    bool is_whole() const {
        if (producer >= kProducersMax || number >= kQuota) { return false; }
        for (std::uint32_t i = 0; i < 30; ++i) {
            if (seal[i] != seal_of(producer, number, i)) { return false; }
        }
        return true;
    }
};

// What the users of the queue write down outside of it.
struct Producing {
    // Its messages have numbers below `begun`; those below `done` were put, or died with another
    // who had this seat.
    alignas(64) std::atomic<std::uint32_t> begun, done;
};
struct Consuming {
    alignas(64) std::atomic<std::uint32_t> count;  // of its log
    std::atomic<std::uint32_t> base, at_most;      // the operation under way, if at_most != 0
    std::atomic<std::uint32_t> torn;
};
struct Book {
    Producing producing[kProducersMax];
    Consuming consuming[kConsumersMax];
    std::uint32_t log[kConsumersMax][kProducersMax * kQuota];
};

// The users of a seat differ in how long they wait, and for how many.
struct Habit {
    bool takes_many;
    std::uint32_t kind;  // of its waits

    static Habit of(unsigned seat, Chance& chance) {
        return {seat % 2 == 1, (seat / 2 + chance.below(2)) % 4};
    }
    Timeout timeout(Chance& chance) const {
        switch (kind) {
            case 0: return brood::microseconds(chance.below(3000));
            case 1: return chance.once_in(2) ? Timeout::no_wait() : Timeout::forever();
            default: return Timeout::forever();
        }
    }
    std::uint32_t count(Chance& chance) const { return takes_many ? 1 + chance.below(kBatch) : 1; }
};

// What a call may return without harm, to one who may not have waited for ever.
bool is_vain(Errc code, Timeout timeout) {
    if (timeout.is_no_wait()) {
        return code == Errc::full || code == Errc::empty || code == Errc::would_block;
    }
    return code == Errc::timed_out && !timeout.is_forever();
}

int complain(const char* what, const brood::Status& status) {
    fprintf(stderr, "  queue: %s: %s (errno %d)\n", what, status.error().name(),
            static_cast<int>(status.error().os_error()));
    return 1;
}

class QueueScene : public Scene {
public:
    QueueScene() : book_(*static_cast<Book*>(test::shared_pages(sizeof(Book)))) {}

    const char* name() const override { return "queue"; }
    void set(Sky& sky, Chance& chance) override;
    unsigned seats() const override { return producers_ + consumers_; }
    unsigned role_of(unsigned seat) const override {
        return seat < producers_ ? kPutters : kGetters;
    }
    int act(unsigned seat, Here& here) override {
        return seat < producers_ ? produce(seat, here) : consume(seat - producers_, here);
    }
    void reckon(unsigned seat) override;
    unsigned next_hush(Chance& chance) override { return chance.once_in(2) ? kPutters : kGetters; }
    bool is_quiet(unsigned resting) override {
        return resting == kPutters ? queue_.empty() : queue_.full() || is_used_up();
    }
    bool is_used_up() override {
        for (const Producing& one : book_.producing) {
            if (one.begun.load() + kBatch > kQuota) { return true; }
        }
        return false;
    }
    void end() override { queue_.shutdown().expect("shutting the queue down"); }
    void account(Faults& faults) override;
    void print(double seconds) const override {
        printf(
            "%.1f million messages (%.2f million a second); %ld missing of %ld that the killed may"
            " have had in hand, %ld not put by the killed",
            static_cast<double>(messages_) / 1e6, static_cast<double>(messages_) / 1e6 / seconds,
            missing_, allowed_, unput_);
    }

private:
    struct Cut {
        std::uint32_t producer, from, to;
    };
    int produce(std::uint32_t producer, Here& here);
    int consume(std::uint32_t consumer, Here& here);
    void rest(Here& here) const;
    void read_logs(Faults& faults);
    long missing_of(std::uint32_t producer);
    long missing_in_cuts(std::uint32_t producer);

    Book& book_;
    Queue<Message> queue_;
    std::uint32_t producers_ = 0, consumers_ = 0;
    bool is_duel_ = false;
    std::vector<Cut> cuts_;  // of this round: what killed producers may or may not have put
    std::vector<std::uint8_t> got_[kProducersMax];
    long allowed_now_ = 0;
    long messages_ = 0, missing_ = 0, allowed_ = 0, unput_ = 0;
};

void QueueScene::set(Sky&, Chance& chance) {
    const std::uint32_t dice = chance.below(8);
    is_duel_ = dice < 2;
    producers_ = is_duel_ ? 1 : dice == 2 ? 2 : 8;
    consumers_ = is_duel_ ? 1 : dice == 3 ? 2 : 8;
    constexpr std::size_t kSizes[] = {1, 2, 3, 8, 64};
    queue_ = Queue<Message>::create(kSizes[chance.below(5)]).expect("making the queue");
    for (Producing& one : book_.producing) {
        one.begun.store(0);
        one.done.store(0);
    }
    for (Consuming& one : book_.consuming) {
        one.count.store(0);
        one.at_most.store(0);
        one.torn.store(0);
    }
    cuts_.clear();
    allowed_now_ = 0;
}

// Of two who are alone, one comes about when the other falls asleep.
void QueueScene::rest(Here& here) const {
    if (is_duel_) {
        here.spin(here.chance().once_in(16) ? 200 : 40);
    } else if (here.chance().once_in(200)) {
        sleep_us(here.chance().below(300));
    }
}

int QueueScene::produce(std::uint32_t producer, Here& here) {
    Producing& page = book_.producing[producer];
    const Habit habit = Habit::of(producer, here.chance());
    Message messages[kBatch];
    // Who was killed here before may have put its last ones or not: they are not put again.
    std::uint32_t number = page.begun.load();
    page.done.store(number);
    while (here.goes_on()) {
        if (number + kBatch > kQuota) {
            sleep_us(500);
            continue;
        }
        if (here.chance().once_in(5000)) { return 0; }  // Another comes.
        const std::uint32_t count = habit.count(here.chance());
        for (std::uint32_t i = 0; i < count; ++i) { messages[i].make(producer, number + i); }
        const Timeout timeout = habit.timeout(here.chance());
        page.begun.store(number + count);
        const Result<std::size_t> put = queue_.put_many(messages, count, timeout);
        if (put.ok()) {
            number += static_cast<std::uint32_t>(*put);
        } else if (!is_vain(put.error().code(), timeout)) {
            return complain("a put failed", put.status());
        }
        page.done.store(number);
        page.begun.store(number);
        rest(here);
    }
    return 0;
}

int QueueScene::consume(std::uint32_t consumer, Here& here) {
    Consuming& page = book_.consuming[consumer];
    const Habit habit = Habit::of(consumer, here.chance());
    Message messages[kBatch];
    for (;;) {
        here.rest_in_hush();
        const std::uint32_t count = habit.count(here.chance());
        const Timeout timeout = habit.timeout(here.chance());
        std::uint32_t logged = page.count.load();
        page.base.store(logged);
        page.at_most.store(count);
        const Result<std::size_t> got = queue_.get_many(messages, count, timeout);
        if (got.ok()) {
            for (std::uint32_t i = 0; i < *got; ++i) {
                if (!messages[i].is_whole()) {
                    page.torn.fetch_add(1);
                    continue;
                }
                book_.log[consumer][logged] = messages[i].producer * kQuota + messages[i].number;
                page.count.store(++logged);
            }
        } else if (got.error().code() == Errc::closed) {
            page.at_most.store(0);
            return 0;
        } else if (!is_vain(got.error().code(), timeout)) {
            return complain("a get failed", got.status());
        }
        page.at_most.store(0);
        rest(here);
    }
}

void QueueScene::reckon(unsigned seat) {
    if (seat < producers_) {
        Producing& page = book_.producing[seat];
        if (page.done.load() < page.begun.load()) {
            cuts_.push_back({seat, page.done.load(), page.begun.load()});
        }
        return;
    }
    Consuming& page = book_.consuming[seat - producers_];
    const std::uint32_t at_most = page.at_most.load();
    if (at_most != 0) { allowed_now_ += page.base.load() + at_most - page.count.load(); }
    page.at_most.store(0);
}

void QueueScene::read_logs(Faults& faults) {
    for (std::uint32_t producer = 0; producer < kProducersMax; ++producer) {
        got_[producer].assign(book_.producing[producer].begun.load(), 0);
    }
    for (std::uint32_t consumer = 0; consumer < consumers_; ++consumer) {
        std::uint32_t next[kProducersMax] = {};
        const Consuming& page = book_.consuming[consumer];
        if (page.torn.load() != 0) {
            faults.add(name(), "torn", "consumer %u got %u messages in pieces", consumer,
                       page.torn.load());
        }
        for (std::uint32_t i = 0; i < page.count.load(); ++i) {
            const std::uint32_t producer = book_.log[consumer][i] / kQuota;
            const std::uint32_t number = book_.log[consumer][i] % kQuota;
            if (number >= got_[producer].size()) {
                faults.add(name(), "ghost", "consumer %u got %u of producer %u, not put", consumer,
                           number, producer);
                continue;
            }
            if (got_[producer][number]++ != 0) {
                faults.add(name(), "twice", "message %u of producer %u", number, producer);
            } else if (number < next[producer]) {
                faults.add(name(), "order", "consumer %u got %u of producer %u after %u", consumer,
                           number, producer, next[producer] - 1);
            }
            next[producer] = number + 1;
        }
        messages_ += page.count.load();
    }
}

// Of a batch whose producer was killed a first part may be there. Marks the rest as explained.
long QueueScene::missing_in_cuts(std::uint32_t producer) {
    long unput = 0;
    for (const Cut& cut : cuts_) {
        if (cut.producer != producer) { continue; }
        for (std::uint32_t number = cut.to; number > cut.from; --number) {
            if (got_[producer][number - 1] != 0) { break; }
            got_[producer][number - 1] = 1;
            ++unput;
        }
    }
    return unput;
}

long QueueScene::missing_of(std::uint32_t producer) {
    unput_ += missing_in_cuts(producer);
    long missing = 0;
    for (const std::uint8_t times : got_[producer]) { missing += times == 0 ? 1 : 0; }
    return missing;
}

void QueueScene::account(Faults& faults) {
    if (!queue_.empty()) {
        faults.add(name(), "left", "%zu messages, though all ended", queue_.qsize());
    }
    read_logs(faults);
    long missing = 0;
    for (std::uint32_t producer = 0; producer < producers_; ++producer) {
        missing += missing_of(producer);
    }
    if (missing > allowed_now_) {
        faults.add(name(), "missing", "%ld messages, and those killed had at most %ld in hand",
                   missing, allowed_now_);
    }
    missing_ += missing;
    allowed_ += allowed_now_;
}

}  // namespace

std::unique_ptr<Scene> make_queue_scene() {
    return std::make_unique<QueueScene>();
}

}  // namespace storm
