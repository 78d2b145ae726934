// The smallest program with a pool: `make size` tells how large it is.
#include <brood/pool.hpp>

using namespace brood;

static unsigned square(unsigned n) {
    return n * n;
}

int main() {
    Pool pool = Pool::create(PoolOptions().workers(2)).expect("making the pool");
    Future<unsigned> task = pool.apply_async(square, 12u).expect("submitting");
    const Result<unsigned> result = task.get(seconds(10));
    pool.close().expect("closing the pool");
    pool.join().expect("joining the pool");
    return result.ok() && *result == 144 ? 0 : 1;
}
