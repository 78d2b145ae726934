// Decisions (DictDecide) that dictionaries and lists share.
#ifndef BROOD_SRC_DICT_DECISIONS_HPP
#define BROOD_SRC_DICT_DECISIONS_HPP

#include <brood/detail/dict_handle.hpp>

namespace brood {
inline namespace v0 {
namespace detail {

/// Whatever there is: the DictChange that `context` points to.
inline DictChange decide_on(void* context, const void*, std::size_t) noexcept {
    return *static_cast<const DictChange*>(context);
}

/// Takes what there is out, into a buffer, if it fits.
struct TakenOut {
    void* to;
    std::size_t room;
    Result<std::size_t> bytes = Errc::not_found;  ///< Or buffer_too_short (detail: as many).

    static DictChange decide(void* context, const void* found, std::size_t bytes) noexcept {
        TakenOut& out = *static_cast<TakenOut*>(context);
        if (found == nullptr) { return DictChange(); }
        if (bytes > out.room) {
            out.bytes = Error(Errc::buffer_too_short, 0, static_cast<std::int64_t>(bytes));
            return DictChange();
        }
        __builtin_memcpy(out.to, found, bytes);
        out.bytes = bytes;
        return DictChange{DictChange::What::erase, nullptr, 0};
    }
};

}  // namespace detail
}  // namespace v0
}  // namespace brood

#endif
