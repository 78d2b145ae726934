// Proofs of life: none is needed. The kernel itself ends a process with its parent, and has done so
// for longer than any that this port runs on (PR_SET_PDEATHSIG: Linux 2.1.57). What refuses that
// call is a sandbox or an emulator; there, too, who outlives its parent ends when it next looks.
#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {

void proof_init(ProofOfLife&) noexcept {}
void proof_give(ProofOfLife&) noexcept {}
void proof_end(ProofOfLife&) noexcept {}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
