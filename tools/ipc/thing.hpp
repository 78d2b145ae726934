// What programs share by a name: shared memory, semaphores, message queues.
#ifndef BROOD_TOOLS_IPC_THING_HPP
#define BROOD_TOOLS_IPC_THING_HPP

#include <cstdint>

#include <tools/growing_list.hpp>

namespace tool::ipc {

/// Each has names of its own: "/x" may be one of each. The words are those of POSIX's functions.
enum class Type : unsigned char { shm, sem, mq };
inline constexpr Type kTypes[] = {Type::shm, Type::sem, Type::mq};
const char* word_for(Type type) noexcept;  ///< "shm"
bool read_type(const char* word, Type& type) noexcept;

/// Who made it, as far as it says.
enum class Maker : unsigned char {
    stranger,    ///< Any program: there is nothing in it that tells.
    unfinished,  ///< brood; it is being made, or who made it died.
    other,       ///< A brood of another version.
    damaged,     ///< It begins as one of brood's, and the rest does not fit.
    nameless,    ///< brood's memory without a name, which had this one for a moment.
    value,
    array,
    queue,
    pool,
    manager,
};

enum class Life : unsigned char { unknown, alive, dead };

/// Whether anybody uses it.
enum class State : unsigned char {
    used,
    unused,    ///< By nobody. Who made it lives, or is not known.
    orphaned,  ///< By nobody, and who made it is dead.
    unknown,   ///< Processes that could use it cannot be looked at.
};
const char* word_for(State state) noexcept;

struct Thing {
    char name[257];  ///< With its '/'.
    char path[320];  ///< Its file; "" where it has none that we know of.
    Type type;
    Maker maker;
    Life creator_life;
    bool has_file_facts;  ///< The next six are known.
    std::uint32_t mode, owner;
    std::uint64_t device, inode;
    std::uint64_t bytes;
    std::int64_t changed_ms;  ///< By the wall clock; mappings do not count.
    std::int32_t creator;     ///< A pid; 0: not known.

    bool has_content;          ///< Of sem and mq: the next are known.
    std::uint64_t count;       ///< Elements, permits, messages.
    std::uint64_t count_max;   ///< Of a message queue.
    std::uint32_t item_bytes;  ///< Of an element or message.

    State state;
    std::uint32_t users_from, user_count;  ///< In Users.
};

/// What it is, for people: "brood queue", "semaphore".
const char* kind_of(const Thing& thing) noexcept;

/// Fills in all but the state and the users. Errors are an errno: ENOENT, EACCES, ...
int look_at(Type type, const char* name, Thing& thing) noexcept;

/// Why some could not be listed; null: they all were.
struct Gaps {
    const char* files;   ///< Of shared memory and semaphores.
    const char* queues;  ///< Of message queues.
};
/// All that has a name, sorted by it. `everybody`: also what is other users'.
Gaps list_things(bool everybody, GrowingList<Thing>& things) noexcept;

/// Removes the name. 0, or an errno.
int remove_thing(const Thing& thing) noexcept;

}  // namespace tool::ipc

#endif
