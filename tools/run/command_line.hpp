// What a job executes: the words of the command, with the arguments in their places.
#ifndef BROOD_TOOLS_RUN_COMMAND_LINE_HPP
#define BROOD_TOOLS_RUN_COMMAND_LINE_HPP

#include <cstddef>
#include <cstdint>

#include <tools/run/buffer.hpp>

namespace tool::run {

/// Arguments for one job: texts one behind the other, each with its end.
struct Items {
    Buffer<char> text;
    std::size_t count = 0;

    void add(const char* item) noexcept {
        text.append(item, std::strlen(item) + 1);
        ++count;
    }
    void clear() noexcept {
        text.clear();
        count = 0;
    }
};

class CommandLine {
public:
    /// The words of `command`, which end with null. `slot`: which of the jobs at a time, from 1.
    void build(char* const* command, const Items& items, std::uint64_t number,
               std::size_t slot) noexcept;
    const char* const* words() const noexcept { return words_.data(); }
    /// In one line, as a shell would take it.
    void quote(Buffer<char>& to) const noexcept;

private:
    struct Values {
        const Items& items;
        std::uint64_t number;
        std::size_t slot;
    };
    void add_word(const char* word, const Values& values) noexcept;
    void begin_word() noexcept { starts_.add(text_.size()); }
    void end_word() noexcept { text_.add('\0'); }

    Buffer<char> text_;
    Buffer<std::size_t> starts_;
    Buffer<const char*> words_;
};

}  // namespace tool::run

#endif
