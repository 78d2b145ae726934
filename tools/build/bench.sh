#!/bin/bash
# bench.sh MAKE JSON BENCHMARK...: builds the benchmarks and runs them one after the other. Peers
# that cannot be had are named; a benchmark finds out by __has_include which it has. JSON gets one
# object a row, anew each time (tools/bench/bench.hpp writes it).
set -euo pipefail
make=$1 json=$2
shift 2
here=$(dirname "$0")

peer() {  # what a benchmark that needs it contains, Debian's package
    grep -qE "$1" tools/bench/*.cpp || return 0
    "$here/need.sh" "$2" 2>/dev/null || echo "not measured: no $2 here, nor can it be installed"
}
peer '<boost/' libboost-dev
peer '<(tbb|oneapi)/' libtbb-dev
peer 'python3' python3

"$make" benches
json=$(realpath "$json")
rm -f "$json"
export BENCH_JSON=$json
printf '%-44s %10s %-5s %-24s %10s  %7s  %-8s %s\n' \
    measure brood unit peer figure ratio goal verdict
failed=0
for benchmark; do
    "$benchmark" || { echo "$(basename "$benchmark") failed"; failed=1; }
done
echo "$(grep -c '"met": true' "$json") of $(wc -l <"$json") goals met; figures in ${json#"$PWD/"}"
exit "$failed"
