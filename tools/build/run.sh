#!/bin/bash
# run.sh BROOD TREE SUMS: the main job. Sums every file of TREE in parallel, then lets sha256sum
# verify each sum.
set -euo pipefail
brood=$1 tree=$2 sums=$3
[[ -x $brood ]] || { echo "there is no brood command: tools/ is missing" >&2; exit 1; }
"$brood" sum "$tree" >"$sums"
count=$(wc -l <"$sums")
((count > 0)) || { echo "brood sum found no file in $tree" >&2; exit 1; }
sha256sum -c --quiet "$sums"
echo "brood sum: $count files verified by sha256sum -c"
