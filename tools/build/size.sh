#!/bin/bash
# size.sh MAKE CROSS_COMPILE: the bytes of each object compiled with -Os (and -mthumb on ARM), of
# the core as a program links it, and, for this machine, of static programs on musl; beside the
# goals.
set -euo pipefail
make=$1 cross=$2
build=build/size-${cross:-native}
goal=$((32 * 1024))
# Parts that a program with processes, pipes, queues, locks and pools does not link. Each has its
# own line; together with all others they would be a sum that no program has.
extras='^(manager|remote|dict|list|namespace|arena|server|proxy|listener|client|auth|md5|sha|hmac'
extras+='|pool_care|pool_order|pool_room|pool_stats|pool_announce'
extras+='|pool_view|object_list'
extras+='|socket|message_queue|named_semaphore|signals|signal_names|exec|spawn)'

# -fplt: calls that need no address of the libc's in a table (see the Makefile) are a byte shorter.
options=(-fno-asynchronous-unwind-tables -fplt)
[[ $cross != arm-* ]] || options+=(-mthumb)
flags=(OPT=-Os CXXFLAGS="${options[*]}")
[[ -z $cross ]] || flags+=(CROSS_COMPILE="$cross" CXX="${cross}g++")
options+=(-std=c++17 -Os -Iinclude -fno-exceptions -fno-rtti -ffunction-sections -fdata-sections)
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

# What a program links that uses all of the core, without what is its own: templates, and itself.
code() {  # name, inputs: the code of them that main() needs
    "${cross}ld" -r --gc-sections -e main -u main -o "$build/$1" "${@:2}"
    "${cross}size" -A "$build/$1" | awk '/^\.text/ {code += $2} END {print code}'
}
"${cross}g++" "${options[@]}" -c test/size/core.cpp -o "$build/core.o"
both=$(code core.linked "$build/core.o" "$build/libbrood.a")
own=$(code core.own "$build/core.o")
thumb=${cross:+ -mthumb}
line "all but extras, -Os$thumb" "$(cat "$build/core")" "$goal"
line "core as linked, -Os$thumb" "$((both - own))" "$goal"
[[ -z $cross ]] || exit 0

# The goal is set for Thumb-2.
if command -v arm-linux-gnueabihf-g++ >/dev/null; then
    "$0" "$make" arm-linux-gnueabihf- | tail -2
else
    echo "not run: Thumb-2: there is no arm-linux-gnueabihf-g++ (make cross fetches it)"
fi

# Debian's own package of the C library for small systems. A static program at a fixed address needs
# no code for any other, and its segments need not begin at a page, in the file.
tools/build/need.sh --program musl-gcc
options+=(-fno-pie)
musl=(CXX=tools/build/musl-g++ BUILD="$build-musl" CROSS_COMPILE=)
"$make" lib OPT=-Os CXXFLAGS="${options[*]}" "${musl[@]}" >"$build/musl.log"
for program in bare hello_lock hello_process hello_pool; do
    tools/build/musl-g++ "${options[@]}" -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,norelro \
        -Wl,-z,noseparate-code -Wl,-z,common-page-size=16 \
        "test/size/$program.cpp" "$build-musl/libbrood.a" -o "$build/$program"
    strip -R .comment "$build/$program"
    "$build/$program" || { echo "$program does not work" >&2; exit 1; }
    line "static $program (musl)" "$(stat -c %s "$build/$program")" "$goal"
done
