// pages man|bash|zsh: prints what `make pages` writes.
#include <cstdio>
#include <cstring>

#include <tools/pages/pages.hpp>

int main(int count, char** arguments) {
    using tool::pages::Table;
    const struct {
        const char* name;
        void (*write)(const Table&, std::FILE*);
    } pages[] = {{"man", tool::pages::write_man},
                 {"bash", tool::pages::write_bash},
                 {"zsh", tool::pages::write_zsh}};
    for (const auto& page : pages) {
        if (count != 2 || std::strcmp(arguments[1], page.name) != 0) { continue; }
        page.write(Table{tool::kCommands, tool::kCommandCount}, stdout);
        return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 ? 0 : 1;
    }
    std::fputs("Usage: pages man|bash|zsh\n", stderr);
    return 1;
}
