// A server of the manager in a scene, and its clients: what these ask for, and what they are told.
#ifndef BROOD_TEST_CRASH_SERVER_HOST_HPP
#define BROOD_TEST_CRASH_SERVER_HOST_HPP

#include <brood/manager_server.hpp>
#include <brood/remote_manager.hpp>

#include "manager_book.hpp"
#include "stage.hpp"

namespace crash {

/// What a client asks for. Meanwhile it holds the door, unless that is what it asks for.
enum class Ask {
    get,
    set,
    update,
    put,
    take,      ///< Gets a number from the queue.
    take_job,  ///< ... and one from the queue of jobs, which is done at the end.
    end_job,   ///< Says that a job is done, which it has got before.
    acquire,
    release,
    make,
    make_named,
    drop,
    leave,   ///< Closes in order.
    vanish,  ///< Is killed.
    enter,   ///< Connects. It holds nothing.
    nothing,
};

inline constexpr std::uint32_t kAsked = 2, kNew = 3;  ///< Keys of the dictionary.
inline constexpr int kPut = 9;                        ///< The number that Ask::put puts.
inline constexpr int kHandlers = 16;
inline constexpr int kCounted = 0;  ///< Of Stage::count(): what all have counted up.

/// What the processes of a scene with a server share, all zero at first.
struct ServerTalk {
    std::atomic<pid_t> server;
    std::atomic<pid_t> handlers[kHandlers];  ///< The processes of its clients, as they came.
    std::atomic<int> handled;
    std::atomic<int> is_up;
    std::atomic<int> entered;     ///< Clients who hold what they are to hold.
    Gate go, help;                ///< What the client asks for; what that waits for.
    std::atomic<int> told;        ///< 1 + the code that it was answered.
    std::atomic<int> got;         ///< From the queue; 0: nothing.
    std::atomic<int> job_done;    ///< The job: 1 perhaps, 2 yes.
    std::atomic<int> mourned;     ///< Somebody took the door, and was told of a death.
    std::atomic<int> cut_off;     ///< Clients who may have counted up, and were not told.
    std::atomic<int> given_back;  ///< The door, at the end: 1 perhaps, 2 yes.

    // By who kills.
    std::atomic<int> is_server_dead, is_handler_dead;

    bool was_told() const { return told.load() != 0; }
    bool was_done() const { return told.load() == 1; }
};
extern ServerTalk* server_talk;

/// Whether a client whom nobody serves any more may be told that.
bool is_told_of_death(brood::Errc code);
/// Where the server listens. The name goes with it.
brood::Address server_address();
/// Serves until it is killed. Each process that it forks is entered in `server_talk`.
void be_server(Stage& stage, int self, std::uint32_t clients_max, bool may_turn_away);

/// A client, in its process.
class ServedClient {
public:
    ServedClient(Stage& stage, int self) : stage_(stage), self_(self) {}

    /// Connects, and finds all that there is. The code is what the first that failed said.
    brood::Status enter();
    /// Takes a seat, and, unless that is asked for, the door; for end_job a job.
    void take_what_it_holds(Ask ask);
    brood::Status ask(Ask ask);
    /// Connects, counts up in the dictionary that all count in, and leaves.
    void work();
    /// Afterwards: gives back what it holds, or is told that who served it is dead.
    void finish(Ask ask);

private:
    brood::Status end_job();
    using Book = brood::RemoteDict<std::uint32_t, Value>;
    void expect(bool condition, Fault fault, const char* text) {
        stage_.check(condition, fault, text, self_);
    }

    Stage& stage_;
    int self_;
    brood::RemoteManager remote_;
    Book book_, other_, spare_;
    brood::RemoteQueue<int> work_;
    brood::RemoteJoinableQueue<int> jobs_;
    brood::RemoteLock door_;
    brood::RemoteSemaphore seats_;
};

}  // namespace crash

#endif
