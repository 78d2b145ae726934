// For tests of queues with names: users that know nothing but the name.
#ifndef BROOD_TEST_NAMED_QUEUE_SUPPORT_HPP
#define BROOD_TEST_NAMED_QUEUE_SUPPORT_HPP

#include "shared_support.hpp"

#include <brood/queue.hpp>

namespace shared_test {

struct Parcel {
    std::uint32_t sender, number, copies[6];

    static Parcel make(std::uint32_t sender, std::uint32_t number) {
        Parcel parcel = {sender, number, {}};
        for (std::uint32_t& copy : parcel.copies) { copy = sender ^ number; }
        return parcel;
    }
    bool is_whole() const {
        for (const std::uint32_t copy : copies) {
            if (copy != (sender ^ number)) { return false; }
        }
        return true;
    }
};
using Parcels = brood::Queue<Parcel>;

inline const brood::Timeout kLong = brood::milliseconds(test::kPatienceMs);

inline Parcels make_parcels(const char* name, std::size_t maxsize) {
    return Parcels::create_named(name, maxsize).expect("creating");
}

}  // namespace shared_test

#endif
