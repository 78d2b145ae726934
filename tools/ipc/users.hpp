// Who uses what is shared by a name.
#ifndef BROOD_TOOLS_IPC_USERS_HPP
#define BROOD_TOOLS_IPC_USERS_HPP

#include <cstdint>

#include <tools/growing_list.hpp>
#include <tools/ipc/thing.hpp>

namespace tool::ipc {

/// A process that uses a thing.
struct User {
    std::uint32_t thing;  // its index
    std::int32_t pid;
    bool maps, opens;
};

/// What one look at all processes found.
class Users {
public:
    /// Looks who maps the things, or has them open, but for this process itself; fills in their
    /// creators' life, users and state.
    void look(GrowingList<Thing>& things) noexcept;

    /// False: there is no /proc, so nothing is known of users.
    bool are_known() const noexcept { return are_known_; }
    /// Nor are those of what the system does not tell from others.
    bool are_known(const Thing& thing) const noexcept { return are_known_ && thing.has_file_facts; }
    const User* of(const Thing& thing) const noexcept { return list_.begin() + thing.users_from; }

private:
    void look_at_process(const GrowingList<Thing>& things, std::int32_t pid) noexcept;
    bool look_at_mappings(const GrowingList<Thing>& things, std::int32_t pid) noexcept;
    bool look_at_descriptors(const GrowingList<Thing>& things, std::int32_t pid) noexcept;
    void note(std::uint32_t thing, std::int32_t pid, bool maps) noexcept;
    State state_of(const Thing& thing) const noexcept;

    GrowingList<User> list_;
    std::size_t process_from_ = 0;  // of the process that is being looked at
    bool are_known_ = false;
    bool some_hide_ = false;  // There are processes that cannot be looked at.
};

}  // namespace tool::ipc

#endif
