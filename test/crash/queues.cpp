#include "queues.hpp"

#include <string.h>

#include <brood/byte_queue.hpp>
#include <brood/joinable_queue.hpp>
#include <brood/queue.hpp>

#include "ring_queue.hpp"

namespace crash {
namespace {

/// A letter of two kilobytes: there is room for four at first, and more take more pages.
struct LongLetter {
    unsigned char bytes[2048];
};

void pack(Letter& to, const Letter& letter) {
    to = letter;
}
void pack(LongLetter& to, const Letter& letter) {
    write_message(to.bytes, letter, sizeof(to.bytes));
}
Letter unpack(const Letter& from) {
    return from;
}
Letter unpack(const LongLetter& from) {
    return read_message(from.bytes, sizeof(from.bytes));
}

template <class Handle>
class MessageQueue : public RingQueue {
public:
    using Message = typename Handle::value_type;

    MessageQueue(const char* name, Handle&& handle)
        : RingQueue(inside_of(handle)), name_(name), handle_(std::move(handle)) {}

    const char* name() const override { return name_; }
    int put(const Letter* letters, std::size_t count, std::int64_t timeout_ms) override {
        Message messages[kTogether];
        for (std::size_t i = 0; i < count; ++i) { pack(messages[i], letters[i]); }
        if (count == 1) {
            const brood::Status put = handle_.put(messages[0], timeout_of(timeout_ms));
            return put.ok() ? 1 : code_of(put.error());
        }
        const auto put = handle_.put_many(messages, count, timeout_of(timeout_ms));
        return put.ok() ? static_cast<int>(*put) : code_of(put.error());
    }
    int get(Letter* letters, std::size_t count, std::int64_t timeout_ms) override {
        if (count == 1) {
            const auto got = handle_.get(timeout_of(timeout_ms));
            if (got.ok()) { *letters = unpack(*got); }
            return got.ok() ? 1 : code_of(got.error());
        }
        Message messages[kTogether];
        const auto got = handle_.get_many(messages, count, timeout_of(timeout_ms));
        for (std::size_t i = 0; got.ok() && i < *got; ++i) { letters[i] = unpack(messages[i]); }
        return got.ok() ? static_cast<int>(*got) : code_of(got.error());
    }
    void shutdown(bool now) override {
        (void)handle_.shutdown(now ? brood::Shutdown::now : brood::Shutdown::drain);
    }
    long lost() override { return static_cast<long>(handle_.lost()); }
    void leave() override { handle_.close(); }

protected:
    const char* name_;
    Handle handle_;
};

class Joinable : public MessageQueue<brood::JoinableQueue<Letter>> {
public:
    explicit Joinable(brood::JoinableQueue<Letter>&& handle)
        : MessageQueue("JoinableQueue", std::move(handle)), book_(inside_of(handle_).book) {
        const auto* const book = reinterpret_cast<const unsigned char*>(book_);
        fresh_book_.assign(book, book + kBookBytes);
    }

    void make(bool near_wrap) override {
        MessageQueue::make(near_wrap);
        memcpy(static_cast<void*>(book_), fresh_book_.data(), fresh_book_.size());
        // What is over counts with the indices, and wraps with them.
        book_->done.store(ring_->get.index.load());
        first_done_ = book_->done.load();
    }
    const std::vector<std::uint32_t>& state() override {
        (void)MessageQueue::state();
        const std::size_t before = state_.size();
        state_.resize(before + kBookBytes / 4);
        memcpy(&state_[before], static_cast<const void*>(book_), kBookBytes);
        return state_;
    }

    bool is_joinable() const override { return true; }
    std::uint32_t done() const override { return book_->done.load() - first_done_; }
    std::uint32_t written_off() const override { return book_->written_off.load(); }
    std::uint32_t unfinished() const override { return book_->unfinished(*ring_); }
    int task_done() override {
        const brood::Status done = handle_.task_done();
        if (done.code() == brood::Errc::too_many_task_done) { return kNothing; }
        return done.ok() ? 1 : code_of(done.error());
    }
    int join_all(std::int64_t timeout_ms, int& abandoned) override {
        const brood::Status joined = handle_.join(timeout_of(timeout_ms));
        abandoned = 0;
        if (joined.code() == brood::Errc::abandoned) {
            abandoned = static_cast<int>(joined.error().detail());
            return kNothing;
        }
        return joined.ok() ? 1 : code_of(joined.error());
    }

private:
    static constexpr std::uint32_t kRecords = 32;
    static constexpr std::size_t kBookBytes =
        sizeof(core::JoinBook) - (core::JoinBook::kHolders - kRecords) * sizeof(core::Holder);

    core::JoinBook* book_;
    std::vector<unsigned char> fresh_book_;
    std::uint32_t first_done_ = 0;
};

/// Letters as byte messages: some bytes of a letter, or it and a filling.
class Bytes : public RingQueue {
public:
    Bytes(const char* name, brood::ByteQueue&& handle, std::size_t bytes, std::size_t bytes_long)
        : RingQueue(inside_of(handle)),
          name_(name),
          handle_(std::move(handle)),
          bytes_(bytes),
          bytes_long_(bytes_long) {}

    const char* name() const override { return name_; }
    void make(bool near_wrap) override {
        RingQueue::make(near_wrap);
        lengthy_ = UINT32_MAX;
    }
    void lengthen(std::uint32_t producer) override { lengthy_ = producer; }
    std::size_t weight_of(std::uint32_t producer) const override {
        return 1 + bytes_of(producer) / kUnit;
    }
    void fill(const Letter* letters, std::size_t count) override {
        std::uint32_t index = ring_->put.index.load();
        for (std::size_t i = 0; i < count; ++i) {
            unsigned char message[kLongest];
            const std::size_t bytes = bytes_of(letters[i].producer);
            write_message(message, letters[i], bytes);
            const std::uint32_t header[2] = {static_cast<std::uint32_t>(bytes), 0};
            memcpy(ring_->slot(index++), header, kUnit);
            for (std::size_t at = 0; at < bytes; at += kUnit) {
                memcpy(ring_->slot(index++), message + at, kUnit);
            }
        }
        ring_->put.index.store(index);
    }
    // Who sent it, and which it is: the first unit.
    std::vector<Letter> contents() const override {
        std::vector<Letter> letters;
        std::uint32_t index = ring_->get.index.load();
        const std::uint32_t end = ring_->put.index.load();
        while (index != end) {
            std::uint32_t bytes = 0, who[2] = {};
            memcpy(&bytes, ring_->slot(index), sizeof(bytes));
            memcpy(who, ring_->slot(index + 1), sizeof(who));
            if (bytes != bytes_of(who[0])) { break; }  // Torn: whoever gets it says so.
            letters.push_back(Letter::make(who[0], who[1]));
            index += static_cast<std::uint32_t>(weight_of(who[0]));
        }
        return letters;
    }
    int put(const Letter* letters, std::size_t, std::int64_t timeout_ms) override {
        unsigned char message[kLongest];
        const std::size_t bytes = bytes_of(letters->producer);
        write_message(message, *letters, bytes);
        const brood::Status put = handle_.put(message, bytes, timeout_of(timeout_ms));
        return put.ok() ? 1 : code_of(put.error());
    }
    int get(Letter* letters, std::size_t, std::int64_t timeout_ms) override {
        unsigned char message[kLongest];
        const auto got = handle_.get(message, sizeof(message), timeout_of(timeout_ms));
        if (!got.ok()) { return code_of(got.error()); }
        *letters = read_message(message, *got);
        if (*got != bytes_of(letters->producer)) { letters->producer = UINT32_MAX; }
        return 1;
    }
    void shutdown(bool now) override {
        (void)handle_.shutdown(now ? brood::Shutdown::now : brood::Shutdown::drain);
    }
    void leave() override { handle_.close(); }

private:
    static constexpr std::size_t kUnit = 8, kLongest = 4096;

    std::size_t bytes_of(std::uint32_t producer) const {
        return producer == lengthy_ ? bytes_long_ : bytes_;
    }

    const char* name_;
    brood::ByteQueue handle_;
    std::size_t bytes_, bytes_long_;
    std::uint32_t lengthy_ = UINT32_MAX;
};

template <class Handle>
std::unique_ptr<TestQueue> make_messages(const char* name, std::size_t most) {
    return std::make_unique<MessageQueue<Handle>>(name,
                                                  Handle::create(most).expect("making a queue"));
}

}  // namespace

Letter Letter::make(std::uint32_t producer, std::uint32_t number) {
    Letter letter = {producer, number, {}};
    for (std::uint32_t& copy : letter.copies) { copy = producer << 16 | number; }
    return letter;
}

bool Letter::is_whole() const {
    for (const std::uint32_t copy : copies) {
        if (copy != (producer << 16 | number)) { return false; }
    }
    return true;
}

std::unique_ptr<TestQueue> make_brood_queue() {
    return make_messages<brood::Queue<Letter>>("Queue", TestQueue::kMost);
}

std::unique_ptr<TestQueue> make_growing_queue() {
    return make_messages<brood::Queue<LongLetter>>("growing Queue", 0);
}

std::unique_ptr<TestQueue> make_joinable_queue() {
    return std::make_unique<Joinable>(
        brood::JoinableQueue<Letter>::create(TestQueue::kMost).expect("making a queue"));
}

// Four short messages fill it. A long one takes more than the half.
std::unique_ptr<TestQueue> make_byte_queue() {
    constexpr std::size_t kShort = 24, kLong = 64;
    return std::make_unique<Bytes>(
        "ByteQueue",
        brood::ByteQueue::create(TestQueue::kMost * (kShort + 8)).expect("making a queue"), kShort,
        kLong);
}

std::unique_ptr<TestQueue> make_growing_byte_queue() {
    constexpr std::size_t kShort = 2040, kLong = 4088;
    return std::make_unique<Bytes>(
        "growing ByteQueue", brood::ByteQueue::create().expect("making a queue"), kShort, kLong);
}

}  // namespace crash
