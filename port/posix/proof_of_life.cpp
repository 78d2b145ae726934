// By what a third process can end another that outlives its parent, and nobody else.
//
// Who can be ended so holds a robust mutex for life: a mutex that can be had has no living owner.
// So the number beside it is still that process's, whose parent is by then a stranger that may reap
// it at any moment.
#include <signal.h>

#include <port/port.hpp>

namespace brood::port {
inline namespace BROOD_PORT_LAYER {
namespace {

struct Proof {
    RobustMutex life;
    std::atomic<bool> can_be_given;
    std::atomic<Pid> pid;  // who may be killed while `life` is held; 0: nobody
};
static_assert(sizeof(Proof) <= sizeof(ProofOfLife) && alignof(Proof) <= alignof(ProofOfLife));

Proof& proof_in(ProofOfLife& memory) noexcept {
    return *reinterpret_cast<Proof*>(memory.port_private);
}

}  // namespace

void proof_init(ProofOfLife& memory) noexcept {
    Proof& proof = proof_in(memory);
    proof.pid.store(0, std::memory_order_relaxed);  // before another holds the mutex
    proof.can_be_given.store(mutex_init(proof.life).ok(), std::memory_order_relaxed);
}

void proof_give(ProofOfLife& memory) noexcept {
    Proof& proof = proof_in(memory);
    // Free, or held by proof_end() for a moment. A slice is plenty.
    const bool given = proof.can_be_given.load(std::memory_order_relaxed) &&
                       brood::detail::is_held(mutex_lock(proof.life, now_ns() + kSliceNs));
    if (given) { proof.pid.store(process_id(), std::memory_order_release); }
    // If killed here: the mutex is free again, whatever the number beside it.
}

void proof_end(ProofOfLife& memory) noexcept {
    Proof& proof = proof_in(memory);
    const Pid pid = proof.pid.load(std::memory_order_acquire);
    if (pid == 0) { return; }
    // Before the proof of life: so it watches that process, or one who took the number of a dead.
    const Fd watch = watch_process(pid).value_or(kNoFd);
    const Status probe = mutex_lock(proof.life, 0);
    if (brood::detail::is_held(probe)) {
        mutex_unlock(proof.life).ignore();
    } else if (probe.code() == Errc::timed_out) {
        // It lived a moment ago. With a watch the signal reaches it or nobody. Without, it would
        // have to end now by itself, be reaped, and its number be given away anew, all before the
        // next system call: numbers go round in thousands of processes at least.
        signal_process(pid, watch, SIGKILL).ignore();
    }
    close(watch);
}

}  // namespace BROOD_PORT_LAYER
}  // namespace brood::port
