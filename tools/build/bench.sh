#!/bin/bash
# bench.sh MAKE JSON BENCHMARK...: builds the benchmarks and runs them one after the other. Peers
# that cannot be had are named; a benchmark finds out by __has_include which it has. JSON becomes a
# list of one object a row, anew each time.
set -euo pipefail
if (($# < 3)); then
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
fi
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
peer '"strace"' strace
peer '"rsync' rsync
peer '"redis-server"' redis-server
peer '"parallel ' parallel

"$make" "$@"
export BENCH_JSON=$json.rows  # to which tools/bench/bench.hpp appends
rm -f "$json" "$BENCH_JSON"
touch "$BENCH_JSON"
printf '%-44s %10s %-5s %-24s %10s  %7s  %-8s %s\n' \
    measure brood unit peer figure ratio goal verdict
failed=0
for benchmark; do
    "$benchmark" || { echo "$(basename "$benchmark") failed"; failed=1; }
done
{ echo '[' && sed '$!s/$/,/' "$BENCH_JSON" && echo ']'; } >"$json"
met=$(grep -c '"met": true' "$json" || true)
echo "$met of $(wc -l <"$BENCH_JSON") goals met; figures in $json"
rm "$BENCH_JSON"
exit "$failed"
