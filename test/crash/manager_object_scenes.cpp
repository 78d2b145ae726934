// A manager's lists; and its locks and queues, which lie in blocks that are used again.
#include <algorithm>
#include <string>

#include <src/arena_place.hpp>

#include "../arena_check.hpp"
#include "manager_book.hpp"
#include "manager_scenes.hpp"

namespace crash {
namespace {

using brood::Errc;
using brood::Handle;
using brood::Manager;
using brood::Status;
using brood::detail::Arena;

/// A manager with a dictionary, in which others work, and with what the scene is about.
class ObjectScene : public Scene {
public:
    ObjectScene(const char* name, std::size_t share)
        : name_(std::string("Manager: ") + name), share_(share) {}

    const char* name() const override { return name_.c_str(); }
    std::size_t rounds() const override { return 2; }
    std::size_t short_share() const override { return share_; }
    std::size_t recoveries() const override { return 400 / share_; }
    Extent state() override {
        const std::size_t end = Arena::entries_at(arena_->pages) + brood::detail::kPageBytes;
        return {arena_->base + offsetof(brood::detail::ArenaHead, mutex),
                end - offsetof(brood::detail::ArenaHead, mutex)};
    }

    void set(Stage&) override {
        manager_.close();
        manager_ = Manager::create(1u << 20).expect("a manager");
        other_ = manager_.dict<std::uint32_t, Value>("other").expect("a dict");
        arena_ = brood::detail::find_arena(other_.manager);
        count_up(other_).expect("counting");
        make();
    }
    // Who makes an object without a name becomes a member first.
    void victim_before(Stage&) override { join_members(arena_->members).expect("joining"); }
    void victim_acts(Stage&) override { status_ = act(); }
    void victim_after(Stage& stage, int actor) override {
        stage.check(status_.ok(), Fault::wrong, "the victim was refused", actor);
        stage.count(kFinished).store(1);
    }
    void meanwhile(Stage& stage, pid_t, int crowd) override {
        stage.asleep(stage.start([this, &stage](int actor) { use(stage, actor); }));
        stage.settle();
        for (int i = 1; i < crowd; ++i) {
            stage.asleep(stage.start([this, &stage](int actor) { use_other(stage, actor); }));
        }
    }
    void others_end(Stage& stage) override {
        stage.open_all();
        for (int i = 0; i < stage.actors(); ++i) { stage.end(i, "one waits on, and nobody works"); }
    }
    void newcomers(Stage& stage) override {
        const int first = stage.start([this, &stage](int actor) {
            look(stage, actor, stage.count(kFinished).load() != 0);
            use(stage, actor);
            for (int i = 0; i < 4; ++i) {
                stage.check(make_and_drop("swept").ok(), Fault::wrong, "none can be made", actor);
            }
            make_and_drop("recovered").ignore();
        });
        const int second = stage.start([this, &stage](int actor) { use_other(stage, actor); });
        stage.end(first, "a newcomer could not work");
        stage.end(second, "a newcomer could not work on another");
    }
    void account(Stage& stage, bool) override {
        if (stage.fault() == Fault::wedged) { return; }
        const char* const fault = test::ArenaCheck(*arena_).fault();
        stage.check(fault == nullptr, Fault::wrong, fault);
        const int actor = stage.start([this, &stage](int self) {
            audit(stage, self);
            stage.check(counted(other_) == stage.count(kCountedOther).load(), Fault::lost,
                        "another dict lost something", self);
        });
        stage.end(actor, "an object could not be read");
    }
    void recover(Stage&) override {
        (void)counted(other_);
        make_and_drop("recovered").ignore();
    }

protected:
    enum { kFinished, kCounted, kCountedOther };

    virtual void make() = 0;
    virtual Status act() = 0;
    /// What others do, meanwhile and afterwards.
    virtual void use(Stage& stage, int actor) = 0;
    /// Whether the victim's work is whole or absent.
    virtual void look(Stage& stage, int actor, bool is_done) = 0;
    virtual void audit(Stage& stage, int actor) = 0;
    /// As many objects as there are beside the dictionary?
    void check_objects(Stage& stage, std::uint32_t expected, int actor) {
        const std::uint32_t objects = manager_.stats().value_or({}).objects;
        stage.check(objects == expected + 1, Fault::wrong, "an object was left, or is gone", actor);
    }
    void use_other(Stage& stage, int actor) {
        const Status counted = count_up(other_);
        if (counted.ok()) { stage.count(kCountedOther).fetch_add(1); }
        stage.check(counted.ok(), Fault::wrong, "one was refused with another", actor);
    }
    // The same object as others who were killed in it, or a new one.
    Status make_and_drop(const char* name) const {
        const auto made = manager_.dict<std::uint32_t, Value>(name);
        if (made.ok()) { return made->drop(); }
        if (made.error() != Errc::already_exists) { return made.status(); }
        return manager_.find<Numbers>(name).value_or(Numbers()).drop();
    }

    Manager& manager_ = the_manager;
    const Arena* arena_ = nullptr;
    Numbers other_;

private:
    std::string name_;
    std::size_t share_;
    Status status_;
};

// ---- Lists -------------------------------------------------------------------------------------

using List = brood::List<Value>;
using Elements = std::vector<std::string>;

struct ListPlan {
    const char* name;
    int items;
    void (*model)(Elements& elements);
    Status (*act)(const List& list);
    std::size_t share = 2;  // In short: one of so many blows.
};

std::string numbered(int i) {
    return "element " + std::to_string(100 + i);
}
Value text(const std::string& from) {
    return Value::from(from.c_str()).value_or(Value());
}
Value many[40];

const std::string kLong(50, 'l');

// Others put theirs in front: so what is counted from the end is the victim's. The array of a short
// list has room for 8 places; one in which more than 64 move becomes another.
const ListPlan kLists[] = {
    {"list append the first", 0, [](Elements& all) { all.push_back("new"); },
     [](const List& list) { return list.append("new"); }},
    {"list append", 5, [](Elements& all) { all.push_back("new"); },
     [](const List& list) { return list.append("new"); }},
    {"list append, the array is full", 8, [](Elements& all) { all.push_back("new"); },
     [](const List& list) { return list.append("new"); }, 4},
    {"list insert", 6, [](Elements& all) { all.insert(all.end() - 3, "new"); },
     [](const List& list) { return list.insert(-3, "new"); }},
    {"list insert, many move", 100, [](Elements& all) { all.insert(all.end() - 80, "new"); },
     [](const List& list) { return list.insert(-80, "new"); }, 4},
    {"list pop", 5, [](Elements& all) { all.pop_back(); },
     [](const List& list) { return list.pop().status(); }},
    {"list pop, others move", 30, [](Elements& all) { all.erase(all.end() - 10); },
     [](const List& list) { return list.pop(-10).status(); }, 4},
    {"list set", 5, [](Elements& all) { all.back() = "other"; },
     [](const List& list) { return list.set(-1, "other"); }, 4},
    {"list set, of more", 5, [](Elements& all) { all.back() = kLong; },
     [](const List& list) { return list.set(-1, text(kLong)); }, 4},
    {"list extend by few", 5,
     [](Elements& all) {
         for (int i = 0; i < 5; ++i) { all.push_back(numbered(200 + i)); }
     },
     [](const List& list) { return list.extend(many, 5); }, 4},
    {"list extend by many", 5,
     [](Elements& all) {
         for (int i = 0; i < 40; ++i) { all.push_back(numbered(200 + i)); }
     },
     [](const List& list) { return list.extend(many, 40); }, 8},
    {"list sort", 12, [](Elements& all) { std::sort(all.begin(), all.end()); },
     [](const List& list) { return list.sort(); }, 4},
    {"list sort, of many", 100, [](Elements& all) { std::sort(all.begin(), all.end()); },
     [](const List& list) { return list.sort(); }, 8},
    {"list erase few", 10, [](Elements& all) { all.erase(all.end() - 4, all.end()); },
     [](const List& list) { return list.erase(-4, List::kEnd); }, 4},
    {"list erase many", 40, [](Elements& all) { all.erase(all.end() - 30, all.end() - 2); },
     [](const List& list) { return list.erase(-30, -2); }, 4},
    {"list clear", 20, [](Elements& all) { all.clear(); },
     [](const List& list) { return list.clear(); }, 4},
};

class ListScene : public ObjectScene {
public:
    explicit ListScene(const ListPlan& plan) : ObjectScene(plan.name, plan.share), plan_(plan) {}

protected:
    void make() override {
        for (int i = 0; i < 40; ++i) { many[i] = text(numbered(200 + i)); }
        list_ = manager_.list<Value>("book").expect("a list");
        before_.clear();
        for (int i = plan_.items; i > 0; --i) {
            before_.push_back(numbered(i));
            list_.append(text(before_.back())).expect("filling");
        }
        after_ = before_;
        plan_.model(after_);
    }
    Status act() override { return plan_.act(list_); }
    void use(Stage& stage, int actor) override {
        const Status put = list_.insert(0, "u");
        if (put.ok()) { stage.count(kCounted).fetch_add(1); }
        stage.check(put.ok(), Fault::wrong, "one was refused", actor);
    }
    void look(Stage& stage, int actor, bool is_done) override {
        Elements found;
        (void)read(stage, actor, found);
        stage.check(found == after_ || (found == before_ && !is_done), Fault::wrong,
                    "a change is neither whole nor absent", actor);
    }
    void audit(Stage& stage, int actor) override {
        Elements found;
        const int theirs = read(stage, actor, found);
        const bool are_cleared = after_.empty();
        stage.check(are_cleared || theirs == stage.count(kCounted).load(), Fault::lost,
                    "what another had put there is lost", actor);
        check_objects(stage, 1, actor);
    }

private:
    // What is not of others; how many are.
    int read(Stage& stage, int actor, Elements& found) {
        const auto items = list_.items();
        stage.check(items.ok(), Fault::wrong, "a list cannot be read", actor);
        int theirs = 0;
        for (std::size_t i = 0; items.ok() && i < items->size(); ++i) {
            const Value element = (*items)[i];
            if (element == "u") { ++theirs; }
            if (element != "u") { found.push_back(element.c_str()); }
        }
        return theirs;
    }

    const ListPlan& plan_;
    List list_;
    Elements before_, after_;
};

// ---- Locks and queues --------------------------------------------------------------------------

using Queue = brood::Queue<int>;

enum class Kind { lock, queue, growing };
enum class Deed { make, make_again, drop };

struct BlockPlan {
    const char* name;
    Kind kind;
    Deed deed;
    std::size_t share = 4;
};

constexpr BlockPlan kBlocks[] = {
    {"lock made", Kind::lock, Deed::make},
    {"lock made again, of a retired one", Kind::lock, Deed::make_again},
    {"lock dropped", Kind::lock, Deed::drop},
    {"queue made", Kind::queue, Deed::make},
    {"queue made again, of a retired one", Kind::queue, Deed::make_again},
    {"queue dropped", Kind::queue, Deed::drop},
    {"growing queue made", Kind::growing, Deed::make, 8},
    {"growing queue made again, of a retired one", Kind::growing, Deed::make_again, 8},
};

class BlockScene : public ObjectScene {
public:
    explicit BlockScene(const BlockPlan& plan) : ObjectScene(plan.name, plan.share), plan_(plan) {}

protected:
    void make() override {
        made_ = {};
        if (plan_.deed == Deed::make) { return; }
        made_ = make_one("book").value_or({});
        works(made_);
        if (plan_.deed == Deed::make_again) { made_.drop().expect("dropping"); }
    }
    Status act() override {
        return plan_.deed == Deed::drop ? made_.drop() : make_one("book").status();
    }
    // Others of the same kind, which may be those that the victim was about to take.
    void use(Stage& stage, int actor) override {
        const auto made = make_one("");
        stage.check(made.ok() && works(*made) && made->drop().ok(), Fault::wrong,
                    "one could not make another", actor);
    }
    void look(Stage& stage, int actor, bool is_done) override {
        const auto found = find();
        const bool is_drop = plan_.deed == Deed::drop;
        stage.check(!is_done || found.ok() != is_drop, is_drop ? Fault::wrong : Fault::lost,
                    "what the victim had done is not so", actor);
        if (found.ok()) {
            stage.check(works(*found), Fault::wrong, "what was found does not work", actor);
        }
        if (is_drop && !found.ok()) {
            stage.check(made_.drop().code() == Errc::closed, Fault::wrong, "dropped twice", actor);
        }
    }
    void audit(Stage& stage, int actor) override {
        check_objects(stage, find().ok() ? 1 : 0, actor);
    }

private:
    brood::Result<brood::detail::ManagedHandle> make_one(const char* name) const {
        if (plan_.kind == Kind::lock) { return plain(manager_.lock(name)); }
        return plain(manager_.queue<int>(plan_.kind == Kind::queue ? 3 : 0, name));
    }
    brood::Result<brood::detail::ManagedHandle> find() const {
        if (plan_.kind == Kind::lock) { return plain(manager_.find<Handle<brood::Lock>>("book")); }
        return plain(manager_.find<Handle<Queue>>("book"));
    }
    template <class T>
    static brood::Result<brood::detail::ManagedHandle> plain(const brood::Result<T>& handle) {
        if (!handle.ok()) { return handle.error(); }
        return brood::detail::ManagedHandle(*handle);
    }
    bool works(const brood::detail::ManagedHandle& handle) const {
        if (plan_.kind == Kind::lock) {
            auto lock = Handle<brood::Lock>(handle).open();
            return lock.ok() && lock->take().ok() && lock->release().ok();
        }
        auto queue = Handle<Queue>(handle).open();
        if (!queue.ok() || !queue->put(77).ok()) { return false; }
        return queue->get().value_or(0) == 77 && queue->empty();
    }

    const BlockPlan& plan_;
    brood::detail::ManagedHandle made_;
};

}  // namespace

Scenes manager_object_scenes() {
    Scenes scenes;
    for (const ListPlan& plan : kLists) { scenes.push_back(std::make_unique<ListScene>(plan)); }
    for (const BlockPlan& plan : kBlocks) { scenes.push_back(std::make_unique<BlockScene>(plan)); }
    return scenes;
}

}  // namespace crash
