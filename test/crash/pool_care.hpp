// Which pools take care of their tasks. In a program that links the care all do; here both kinds
// shall be tried.
#ifndef BROOD_TEST_CRASH_POOL_CARE_HPP
#define BROOD_TEST_CRASH_POOL_CARE_HPP

namespace crash {

/// Whether the pools do that this process makes from now on.
inline bool next_pool_is_careful = false;

}  // namespace crash

#endif
