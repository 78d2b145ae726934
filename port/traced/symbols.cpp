#include "symbols.hpp"

#include <atomic>
#include <cstdint>

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" void __cyg_profile_func_enter(void* function, void* caller);

namespace traced {
namespace {

using Header = ElfW(Ehdr);
using Section = ElfW(Shdr);
using Symbol = ElfW(Sym);

const Symbol* g_symbols = nullptr;
std::uint32_t g_count = 0;
const char* g_names = nullptr;
std::uintptr_t g_moved = 0;  // by how much the program lies elsewhere than its file says

// The numbers of the symbols that were asked for last, by some bits of the address.
constexpr std::size_t kKnown = 1024;
std::atomic<std::uint32_t> g_known[kKnown];

bool is_same(const char* left, const char* right) noexcept {
    while (*left != '\0' && *left == *right) {
        ++left;
        ++right;
    }
    return *left == *right;
}

bool begins(const char* text, const char* start) noexcept {
    for (; *start != '\0'; ++text, ++start) {
        if (*text != *start) { return false; }
    }
    return true;
}

// The whole file: processes forked later have it, too.
const char* map_program(std::size_t& bytes) noexcept {
    const int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat file = {};
    if (fd < 0) { return nullptr; }
    void* map = MAP_FAILED;
    if (::fstat(fd, &file) == 0) {
        bytes = static_cast<std::size_t>(file.st_size);
        map = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    ::close(fd);
    return map == MAP_FAILED ? nullptr : static_cast<const char*>(map);
}

bool is_here(const Symbol& symbol, const void* address) noexcept {
    constexpr unsigned kTypeMask = 15;
    return (symbol.st_info & kTypeMask) == STT_FUNC && symbol.st_shndx != SHN_UNDEF &&
           symbol.st_value + g_moved == reinterpret_cast<std::uintptr_t>(address);
}

}  // namespace

void load_symbols() noexcept {
    std::size_t bytes = 0;
    const char* const file = map_program(bytes);
    if (file == nullptr || bytes < sizeof(Header)) { return; }
    const auto& header = *reinterpret_cast<const Header*>(file);
    const auto* const sections = reinterpret_cast<const Section*>(file + header.e_shoff);
    for (std::size_t i = 0; i < header.e_shnum; ++i) {
        if (sections[i].sh_type != SHT_SYMTAB) { continue; }
        g_symbols = reinterpret_cast<const Symbol*>(file + sections[i].sh_offset);
        g_count = static_cast<std::uint32_t>(sections[i].sh_size / sizeof(Symbol));
        g_names = file + sections[sections[i].sh_link].sh_offset;
    }
    // One whose address is known tells where all are.
    for (std::uint32_t i = 0; i < g_count; ++i) {
        if (!is_same(g_names + g_symbols[i].st_name, "__cyg_profile_func_enter")) { continue; }
        g_moved = reinterpret_cast<std::uintptr_t>(&__cyg_profile_func_enter) -
                  g_symbols[i].st_value;
    }
}

const char* symbol_of(const void* address) noexcept {
    const std::uintptr_t bits = reinterpret_cast<std::uintptr_t>(address);
    std::atomic<std::uint32_t>& known = g_known[(bits ^ (bits >> 10)) / 4 % kKnown];
    const std::uint32_t last = known.load(std::memory_order_relaxed);
    if (last < g_count && is_here(g_symbols[last], address)) {
        return g_names + g_symbols[last].st_name;
    }
    for (std::uint32_t i = 0; i < g_count; ++i) {
        if (!is_here(g_symbols[i], address)) { continue; }
        known.store(i, std::memory_order_relaxed);
        return g_names + g_symbols[i].st_name;
    }
    return nullptr;
}

// Names as the C++ ABI of all our compilers makes them: _ZN5brood..., _ZNK5brood..., and what is
// inside of a function, which has another _Z in front.
Origin origin_of(const char* symbol) noexcept {
    if (symbol == nullptr || !begins(symbol, "_Z")) { return Origin::user; }
    const char* at = symbol + 2;
    while (*at == 'Z') { ++at; }
    const bool is_nested = *at == 'N';
    if (is_nested) { ++at; }
    while (*at == 'K' || *at == 'r' || *at == 'V' || *at == 'R' || *at == 'O') { ++at; }
    if (begins(at, "5brood")) { return Origin::brood; }
    // std::, and operators new and delete.
    const bool is_standard = begins(at, "St") || begins(at, "9__gnu_cxx") || begins(at, "nw") ||
                             begins(at, "na") || begins(at, "dl") || begins(at, "da");
    return is_standard ? Origin::standard : Origin::user;
}

}  // namespace traced
