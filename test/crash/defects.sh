#!/bin/bash
# defects.sh BUILD MAKE [TEXT]: a test of the crash harness. Each patch in test/crash/defects puts
# one mistake into a copy of the sources, and the harness must then find something: first it looks
# into the scene that the patch names, then into all, each in short and then to the end. TEXT: only
# patches with that in their names.
set -euo pipefail
build=$1 make=$2 text=${3-}
tree=$build/defects
log=$build/defects.log
mkdir -p "$tree"
tools/build/need.sh --program patch
for part in Makefile include src port test tools; do
    rm -rf "${tree:?}/$part"
    cp -Rp "$part" "$tree/"
done

build_copy() {
    # A defect may leave something unused.
    "$make" -C "$tree" BUILD=build WERROR= build/test/crash/crash >"$log" 2>&1
}

finds_fault() {  # arguments of crash...
    local status=0
    "$tree/build/test/crash/crash" --first --patience 500 "$@" >"$log" 2>&1 || status=$?
    # 1: it found something. Whatever else it may end with is no finding.
    [[ $status == 1 ]] && grep -q '^  .*: ' "$log"
}

missed=()
count=0
for patch in test/crash/defects/*"$text"*.patch; do
    name=$(basename "$patch" .patch)
    scene=$(sed -n 's/^Scene: //p' "$patch")
    count=$((count + 1))
    began=$SECONDS
    if ! patch -s -F0 -d "$tree" -p1 --no-backup-if-mismatch <"$patch" || ! build_copy; then
        tail -5 "$log"
        echo "$name: does not apply or does not build any more"
        exit 1
    fi
    if finds_fault --short --scenario "$scene" || finds_fault --scenario "$scene" || \
        finds_fault --short || finds_fault; then
        printf '%-45s caught in %d s, %s\n' "$name" $((SECONDS - began)) \
            "$(grep -m1 '^  .*: ' "$log" | sed 's/^ *//')"
    else
        printf '%-45s NOT CAUGHT, %d s\n' "$name" $((SECONDS - began))
        missed+=("$name")
    fi
    patch -s -R -F0 -d "$tree" -p1 --no-backup-if-mismatch <"$patch"
done
echo "crash-defects: $((count - ${#missed[@]})) of $count caught"
((${#missed[@]} == 0))
