#!/bin/bash
# size.sh MAKE CROSS_COMPILE: the bytes of each object compiled with -Os (and -mthumb on ARM), and,
# for this machine, of static programs on musl; beside the goals.
set -euo pipefail
make=$1 cross=$2
build=build/size-${cross:-native}
goal=$((32 * 1024))
# Parts that a program with processes, pipes, queues, locks and pools does not link. Each has its
# own line; together with all others they would be a sum that no program has.
extras='^(manager|dict|list|namespace|arena|server|proxy|listener|client|auth|md5|sha|hmac'
extras+='|socket|message_queue|named_semaphore|signals|signal_names|exec|spawn)'

flags=(OPT=-Os CXXFLAGS=-fno-asynchronous-unwind-tables)
[[ $cross != arm-* ]] || flags[1]+=' -mthumb'
[[ -z $cross ]] || flags+=(CROSS_COMPILE="$cross" CXX="${cross}g++")
"$make" lib "${flags[@]}" BUILD="$build"

line() {  # name, bytes, goal
    printf '%-28s %8d   goal %6d   %s\n' "$1" "$2" "$3" "$(($2 <= $3 ? 1 : 0))" |
        sed 's/1$/met/; s/0$/short/'
}

printf '%-28s %8s %10s %8s %8s\n' object code constants data bss
"${cross}size" -A "$build/libbrood.a" | awk -v extras="$extras" -v core_file="$build/core" '
    function put(name, c, k, d, b) {printf "%-28s %8d %10d %8d %8d\n", name, c, k, d, b}
    function end_object() {
        if (object == "") return
        put(object, code, constants, data, bss)
        all[1] += code; all[2] += constants; all[3] += data; all[4] += bss
        if (object ~ extras) return
        core[1] += code; core[2] += constants; core[3] += data; core[4] += bss
    }
    /:$/ {end_object(); object = $1; code = constants = data = bss = 0}
    /^\.text/ {code += $2}
    /^\.rodata/ {constants += $2}
    /^\.data/ {data += $2}
    /^\.bss/ {bss += $2}
    END {
        end_object()
        put("the whole archive", all[1], all[2], all[3], all[4])
        put("without its extras", core[1], core[2], core[3], core[4])
        print core[1] > core_file
    }'
line "core code, -Os${cross:+ -mthumb}" "$(cat "$build/core")" "$goal"
[[ -z $cross ]] || exit 0

# The goal is set for Thumb-2.
if command -v arm-linux-gnueabihf-g++ >/dev/null; then
    "$0" "$make" arm-linux-gnueabihf- | tail -1
else
    echo "not run: Thumb-2: there is no arm-linux-gnueabihf-g++ (make cross fetches it)"
fi

# Debian's own package of the C library for small systems. Segments need not begin at a page.
tools/build/need.sh --program musl-gcc
musl=(CXX=tools/build/musl-g++ BUILD="$build-musl" CROSS_COMPILE=)
"$make" lib "${flags[@]}" "${musl[@]}" >"$build/musl.log"
compile=(tools/build/musl-g++ -std=c++17 -Os -Iinclude -fno-exceptions -fno-rtti
    -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -s
    -Wl,--gc-sections -Wl,-z,noseparate-code)
for program in bare hello_process hello_pool; do
    "${compile[@]}" "test/size/$program.cpp" "$build-musl/libbrood.a" -o "$build/$program"
    "$build/$program" || { echo "$program does not work" >&2; exit 1; }
    line "static $program (musl)" "$(stat -c %s "$build/$program")" "$goal"
done
