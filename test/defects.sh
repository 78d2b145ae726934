#!/bin/bash
# defects.sh KIND BUILD MAKE [TEXT]: a test of the harness in test/KIND. Each patch in
# test/KIND/defects puts one mistake into a copy of the sources, and the harness must then find
# something: it looks first where the patch says (Scene: NAME), then everywhere, and for longer.
# TEXT: only patches with that in their names.
set -euo pipefail
kind=$1 build=$2 make=$3 text=${4-}
tree=$build/defects
log=$build/defects.log
program=build/test/$kind/$kind
[[ $kind != model ]] || program=build/test/model/relacy/relacy
mkdir -p "$tree"
tools/build/need.sh --program patch
for part in Makefile include src port test tools; do
    rm -rf "${tree:?}/$part"
    cp -Rp "$part" "$tree/"
done

build_copy() {
    # A defect may leave something unused.
    "$make" -C "$tree" BUILD=build WERROR= "$program" >"$log" 2>&1
}

finds_fault() {  # arguments...
    local status=0
    "$tree/$program" --first "$@" >"$log" 2>&1 || status=$?
    # 1: it found something. Whatever else it may end with is no finding.
    [[ $status == 1 ]] && grep -q '^  .*: ' "$log"
}

finds_somewhere() {  # where the patch says
    case $kind in
        crash) finds_fault --patience 500 --short --scenario "$1" ||
            finds_fault --patience 500 --scenario "$1" ||
            finds_fault --patience 500 --short || finds_fault --patience 500 ;;
        storm) finds_fault --patience 3000 --seconds 40 --scenario "$1" ||
            finds_fault --patience 3000 --seconds 120 --seed 2 ;;
        model) finds_fault --short --scenario "$1" || finds_fault ;;
    esac
}

missed=()
count=0
for patch in test/"$kind"/defects/*"$text"*.patch; do
    name=$(basename "$patch" .patch)
    scene=$(sed -n 's/^Scene: //p' "$patch")
    count=$((count + 1))
    began=$SECONDS
    if ! patch -s -F0 -d "$tree" -p1 --no-backup-if-mismatch <"$patch" || ! build_copy; then
        tail -5 "$log"
        echo "$name: does not apply or does not build any more"
        exit 1
    fi
    if finds_somewhere "$scene"; then
        printf '%-45s caught in %d s, %s\n' "$name" $((SECONDS - began)) \
            "$(grep -m1 '^  .*: ' "$log" | sed 's/^ *//')"
    else
        printf '%-45s NOT CAUGHT, %d s\n' "$name" $((SECONDS - began))
        missed+=("$name")
    fi
    patch -s -R -F0 -d "$tree" -p1 --no-backup-if-mismatch <"$patch"
done
echo "$kind-defects: $((count - ${#missed[@]})) of $count caught"
((${#missed[@]} == 0))
