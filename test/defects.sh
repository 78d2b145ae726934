#!/bin/bash
# defects.sh KIND BUILD COMMON MAKE [TEXT]: a test of the harness in test/KIND. Each patch in
# test/KIND/defects puts one mistake into a copy of the sources, and the harness must then find
# something: it looks first where the patch says (Scene: NAME), then everywhere, and for longer.
# Two copies are tried at a time, but for storms. TEXT: only patches with that in their names.
# SHORT=1: only each twelfth, one after the other.
set -euo pipefail
kind=$1 build=$2 common=$3 make=$4 text=${5-}
trees=("$build/defects/one" "$build/defects/other")
[[ $kind != storm && -z ${SHORT-} ]] || trees=("$build/defects/one")
results=$build/defects/results
program=build/test/$kind/$kind
[[ $kind != model ]] || program=build/test/model/relacy/relacy
tools/build/need.sh --program patch

build_copy() {  # tree
    # A defect may leave something unused.
    "$make" -C "$1" BUILD=build WERROR= "$program" >"$1.log" 2>&1
}

finds_fault() {  # tree, arguments of the program...
    local tree=$1 status=0
    shift
    "$tree/$program" --first "$@" >"$tree.log" 2>&1 || status=$?
    # 1: it found something. Whatever else it may end with is no finding.
    [[ $status == 1 ]] && grep -q '^  .*: ' "$tree.log"
}

finds_somewhere() {  # tree, scene
    case $kind in
        crash) finds_fault "$1" --patience 500 --blows 1500 --scenario "$2" ||
            finds_fault "$1" --patience 500 --scenario "$2" ||
            finds_fault "$1" --patience 500 --short || finds_fault "$1" --patience 500 ;;
        storm) finds_fault "$1" --patience 3000 --seconds 40 --scenario "$2" ||
            finds_fault "$1" --patience 3000 --seconds 120 --seed 2 ;;
        model) finds_fault "$1" --short --scenario "$2" || finds_fault "$1" --short ||
            finds_fault "$1" ;;
    esac
}

try() {  # tree, patch
    local tree=$1 patch=$2 name scene began=$SECONDS
    name=$(basename "$patch" .patch)
    scene=$(sed -n 's/^Scene: //p' "$patch")
    if ! patch -s -F0 -d "$tree" -p1 --no-backup-if-mismatch <"$patch" || ! build_copy "$tree"; then
        tail -5 "$tree.log"
        echo "$name: does not apply or does not build any more"
        return 1
    fi
    if finds_somewhere "$tree" "$scene"; then
        printf '%-45s caught in %d s, %s\n' "$name" $((SECONDS - began)) \
            "$(grep -m1 '^  .*: ' "$tree.log" | sed 's/^ *//')"
    else
        printf '%-45s NOT CAUGHT, %d s\n' "$name" $((SECONDS - began))
    fi
    patch -s -R -F0 -d "$tree" -p1 --no-backup-if-mismatch <"$patch"
}

rm -rf "${trees[0]}"
mkdir -p "${trees[0]}"
cp -Rp Makefile include src port test tools "${trees[0]}/"
# What has been compiled already is so in the copy, where it has other names.
objects=${trees[0]}/build
for part in "$common"/{flags,narrow,src,test/crash,test/model,test/storm} "$build/port"; do
    [[ -e $part ]] || continue
    to=${part#"$common/"} to=${to#"$build/"}
    mkdir -p "$(dirname "$objects/$to")"
    cp -Rp "$part" "$objects/$to"
done
find "$objects" -name '*.d' -exec sed -i "s#^\($common\|$build\)/#build/#" {} +
build_copy "${trees[0]}" || { tail -5 "${trees[0]}.log"; exit 1; }
for other in "${trees[@]:1}"; do
    rm -rf "$other"
    cp -Rp "${trees[0]}" "$other"
done
: >"$results"

# In turns: those of one primitive lie side by side and take about as long.
patches=() count=0
for patch in test/"$kind"/defects/*"$text"*.patch; do
    if [[ -z ${SHORT-} ]] || ((count % 12 == 0)); then patches+=("$patch"); fi
    count=$((count + 1))
done
jobs=()
for ((which = 0; which < ${#trees[@]}; ++which)); do
    (
        failed=0
        for ((at = which; at < ${#patches[@]}; at += ${#trees[@]})); do
            try "${trees[which]}" "${patches[at]}" || failed=1
        done
        exit $failed
    ) > >(tee -a "$results") 2>&1 &
    jobs+=($!)
done
broken=0
for job in "${jobs[@]}"; do wait "$job" || broken=1; done
caught=$(grep -c ' caught in ' "$results" || true)
echo "$kind-defects: $caught of ${#patches[@]} caught"
((broken == 0 && caught == ${#patches[@]}))
