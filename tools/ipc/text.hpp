// How what is shared by a name is shown, to people and to programs.
#ifndef BROOD_TOOLS_IPC_TEXT_HPP
#define BROOD_TOOLS_IPC_TEXT_HPP

#include <cstddef>

#include <tools/ipc/thing.hpp>
#include <tools/ipc/users.hpp>

namespace tool::ipc {

/// A line for each; under it, with_users, one for each of its users.
void print_head(bool everybody) noexcept;
void print_line(const Thing& thing, const Users& users, bool everybody, bool with_users) noexcept;

/// One thing, a line for each fact.
void print_facts(const Thing& thing, const Users& users) noexcept;

/// The members of a JSON object, without its braces.
void print_json_facts(const Thing& thing, const Users& users) noexcept;

/// "1234 (render), 1250 (render) and 3 more". Returns `text`.
const char* list_users(char* text, std::size_t room, const Thing& thing,
                       const Users& users) noexcept;

}  // namespace tool::ipc

#endif
