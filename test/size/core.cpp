// A program that uses every operation of the core: processes, pipes, locks and pools. It is never
// run; `make size` tells how much of the library it links.
#include <brood/brood.hpp>

using namespace brood;

namespace {

struct Large {
    unsigned char bytes[8192];  // more than PIPE_BUF: such messages are framed
};

struct Derived : Process {
    using Process::Process;
    void run() override {}
};

void use_processes() {
    Derived process(ProcessOptions().name("child").daemon().group().keep_input());
    Process other = std::move(process);
    other = Process([] {});
    Process* list[1] = {&other};
    other.name("other").ignore();
    other.daemon(true).ignore();
    other.authkey(other.authkey()).ignore();
    other.start().ignore();
    other.is_alive();
    other.exit_code().ignore();
    other.send_signal(0).ignore();
    other.terminate().ignore();
    other.terminate(seconds(1)).ignore();
    other.kill().ignore();
    other.name();
    other.detach().ignore();
    wait_any(list, active_children(list, 1), seconds(1)).ignore();
    other.join(seconds(1)).ignore();
    other.close().ignore();
}

template <class T>
void use_pipes() {
    auto [receiver, sender] = Pipe<T>::simplex().expect("making a pipe");
    auto [left, right] = Pipe<T>::duplex().expect("making a pipe");
    sender.send(T(), seconds(1)).ignore();
    receiver.poll(seconds(1)).ignore();
    receiver.recv(seconds(1)).ignore();
    left = std::move(right);
    left.close();
}

void use_locks() {
    Lock lock = Lock::create().expect("making a lock");
    Lock other = std::move(lock);
    lock = std::move(other);
    Locked hold = lock.acquire(seconds(1));
    hold.expect("locking");
}

void use_pools() {
    Pool pool = Pool::create(PoolOptions().initializer([] {})).expect("making a pool");
    const unsigned inputs[] = {1, 2};
    unsigned outputs[2];
    pool.map([](unsigned n) { return n; }, inputs, outputs).ignore();
    Future<unsigned> future = pool.apply_async([] { return 1u; }).expect("submitting");
    future.wait(seconds(1)).ignore();
    future.successful().ignore();
    future.ready();
    future.get(seconds(1)).ignore();
    pool.apply([] {}).ignore();
    pool.workers();
    pool.worker_pids(nullptr, 0);
    pool.supervisor_pid();
    pool.close().ignore();
    pool.join(seconds(1)).ignore();
    pool.terminate().ignore();
}

}  // namespace

int main() {
    use_processes();
    use_pipes<int>();
    use_pipes<Large>();
    use_locks();
    use_pools();
}
