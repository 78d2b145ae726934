#include "server_host.hpp"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <type_traits>

namespace crash {

using brood::Errc;
using brood::Status;

ServerTalk* server_talk = nullptr;

namespace {

bool is_anybody_dead() {
    return server_talk->is_server_dead.load() != 0 || server_talk->is_handler_dead.load() != 0;
}

}  // namespace

bool is_told_of_death(Errc code) {
    return code == Errc::end_of_stream || code == Errc::peer_died ||
           (code == Errc::refused && server_talk->is_server_dead.load() != 0);
}

// Of the tracer, whose descendants all are.
brood::Address server_address() {
    static const brood::Address address = [] {
        char name[40];
        snprintf(name, sizeof(name), "brood-crash-%d", static_cast<int>(getpid()));
        return brood::Address::abstract(name);
    }();
    return address;
}

void be_server(Stage& stage, int self, std::uint32_t clients_max, bool may_turn_away) {
    auto server = brood::ManagerServer::create(
        the_manager, server_address(), brood::ManagerServerOptions().clients_max(clients_max));
    stage.check(server.ok(), Fault::wrong, "there is no server", self);
    if (!server.ok()) { return; }
    (void)pthread_atfork(nullptr, nullptr, [] {
        const int which = server_talk->handled.load();
        server_talk->handlers[which % kHandlers].store(getpid());
        // If killed here: nobody has heard of it.
        server_talk->handled.store(which + 1);
    });
    server_talk->server.store(getpid());
    server_talk->is_up.store(1);
    for (;;) {
        const Status served = server->serve();
        const bool turned_away = may_turn_away && served.code() == Errc::too_many_processes;
        stage.check(turned_away, Fault::wrong, "a server gave up", self);
        if (!turned_away) { return; }
    }
}

Status ServedClient::enter() {
    auto made = brood::RemoteManager::connect(server_address());
    if (!made.ok()) { return made.status(); }
    remote_ = std::move(*made);
    const auto find = [this](auto& object, const char* name) -> Status {
        auto found = remote_.find<std::remove_reference_t<decltype(object)>>(name);
        if (found.ok()) { object = *found; }
        return found.status();
    };
    Status status = find(other_, "other");
    if (status.ok()) { status = find(book_, "book"); }
    if (status.ok()) { find(spare_, "spare").ignore(); }  // It may have been dropped.
    if (status.ok()) { status = find(work_, "work"); }
    if (status.ok()) { status = find(jobs_, "jobs"); }
    if (status.ok()) { status = find(door_, "door"); }
    if (status.ok()) { status = find(seats_, "seats"); }
    return status;
}

void ServedClient::take_what_it_holds(Ask ask) {
    expect(seats_.take().ok(), Fault::wrong, "there is no seat");
    if (ask != Ask::acquire) { expect(door_.take().ok(), Fault::wrong, "the door is not free"); }
    if (ask == Ask::end_job) { expect(jobs_.get().ok(), Fault::wrong, "there is no job"); }
}

Status ServedClient::ask(Ask ask) {
    switch (ask) {
        case Ask::get: {
            const auto got = book_.get(kAsked);
            expect(!got.ok() || *got == "aaaaaaaa", Fault::wrong, "told what nobody wrote");
            return got.status();
        }
        case Ask::set: return book_.set(kNew, "nnnnnnnn");
        case Ask::update: return book_.update(kAsked, [](Value& value) { value = "yy"; });
        case Ask::put: return work_.put(kPut);
        case Ask::take: {
            const auto got = work_.get();
            if (got.ok()) { server_talk->got.store(*got); }
            return got.status();
        }
        case Ask::take_job: return jobs_.get().status();
        case Ask::end_job: return end_job();
        case Ask::acquire: return door_.take();
        case Ask::release: return door_.release();
        case Ask::make: return remote_.dict<std::uint32_t, Value>().status();
        case Ask::make_named: return remote_.dict<std::uint32_t, Value>("made").status();
        case Ask::drop: return spare_.drop();
        case Ask::leave: remote_.close(); return {};
        case Ask::enter: return enter();
        case Ask::vanish:
        case Ask::nothing: return {};
    }
    return Errc::bad_argument;
}

Status ServedClient::end_job() {
    server_talk->job_done.store(1);
    const Status done = jobs_.task_done();
    if (done.ok()) { server_talk->job_done.store(2); }
    return done;
}

void ServedClient::work() {
    Status done = enter();
    if (done.ok()) {
        done = other_.update(kCounter, [](Value& value) {
            value = Value::from(std::to_string(atoi(value.c_str()) + 1).c_str()).value_or(Value());
        });
    }
    if (done.ok()) { stage_.count(kCounted).fetch_add(1); }
    if (server_talk->is_server_dead.load() != 0 && is_told_of_death(done.code())) {
        server_talk->cut_off.fetch_add(1);
    } else {
        expect(done.ok(), Fault::wrong, "another client is not served");
    }
    remote_.close();
}

void ServedClient::finish(Ask ask) {
    if (ask == Ask::leave) { return; }
    Status status = book_.get(kAsked).status();
    // Who is told of no death gives back what it has.
    if (status.ok() && !is_anybody_dead() && ask == Ask::take_job) { status = end_job(); }
    if (status.ok() && !is_anybody_dead() && ask != Ask::release && ask != Ask::enter) {
        server_talk->given_back.store(1);
        status = door_.release();
        if (status.ok()) { server_talk->given_back.store(2); }
    }
    const std::int64_t until = stage_.deadline();
    while (status.ok() && is_anybody_dead() && !stage_.is_over(until)) {
        status = book_.get(kAsked).status();
    }
    expect(is_anybody_dead() ? is_told_of_death(status.code()) : status.ok(), Fault::wrong,
           "a client is told of no death, or of one that was none");
    remote_.close();
}

}  // namespace crash
