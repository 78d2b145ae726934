#!/bin/bash
# defects.sh BUILD MAKE [TEXT]: a test of the crash harness. Each patch in test/crash/defects puts
# one mistake into a copy of the sources, and the harness must then find something: first it looks
# into the scene that the patch names, then into all, each in part and then to the end. Two copies
# are tried at a time. TEXT: only patches with that in their names.
set -euo pipefail
build=$1 make=$2 text=${3-}
trees=("$build/defects/one" "$build/defects/other")
results=$build/defects/results
tools/build/need.sh --program patch

build_copy() {  # tree
    # A defect may leave something unused.
    "$make" -C "$1" BUILD=build WERROR= build/test/crash/crash >"$1.log" 2>&1
}

finds_fault() {  # tree, arguments of crash...
    local tree=$1 status=0
    shift
    "$tree/build/test/crash/crash" --first --patience 500 "$@" >"$tree.log" 2>&1 || status=$?
    # 1: it found something. Whatever else it may end with is no finding.
    [[ $status == 1 ]] && grep -q '^  .*: ' "$tree.log"
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
    if finds_fault "$tree" --blows 1500 --scenario "$scene" ||
        finds_fault "$tree" --scenario "$scene" ||
        finds_fault "$tree" --short || finds_fault "$tree"; then
        printf '%-45s caught in %d s, %s\n' "$name" $((SECONDS - began)) \
            "$(grep -m1 '^  .*: ' "$tree.log" | sed 's/^ *//')"
    else
        printf '%-45s NOT CAUGHT, %d s\n' "$name" $((SECONDS - began))
    fi
    patch -s -R -F0 -d "$tree" -p1 --no-backup-if-mismatch <"$patch"
}

mkdir -p "${trees[0]}"
for part in Makefile include src port test tools; do
    rm -rf "${trees[0]:?}/$part"
    cp -Rp "$part" "${trees[0]}/"
done
build_copy "${trees[0]}" || { tail -5 "${trees[0]}.log"; exit 1; }
rm -rf "${trees[1]}"
cp -Rp "${trees[0]}" "${trees[1]}"
: >"$results"

# In turns: those of one primitive lie side by side and take about as long.
patches=(test/crash/defects/*"$text"*.patch)
jobs=()
for which in 0 1; do
    for ((at = which; at < ${#patches[@]}; at += 2)); do
        try "${trees[which]}" "${patches[at]}"
    done > >(tee -a "$results") 2>&1 &
    jobs+=($!)
done
broken=0
for job in "${jobs[@]}"; do wait "$job" || broken=1; done
caught=$(grep -c ' caught in ' "$results" || true)
echo "crash-defects: $caught of ${#patches[@]} caught"
((broken == 0 && caught == ${#patches[@]}))
