#!/bin/bash
# tidy.sh SOURCE...: clang-tidy, one file on each CPU, with the flags of the build.
set -euo pipefail
for source; do
    posix=''
    [[ $source != port/posix/* ]] ||
        posix=' -U_GNU_SOURCE -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700'
    echo "$source -- -x c++ -std=c++17 -Iinclude -I. -fno-exceptions -fno-rtti$posix"
done | xargs -P "$(nproc)" -L 1 clang-tidy --quiet --warnings-as-errors='*' 2>&1 |
    { grep -v ' warnings\? generated\.$' || true; }  # those counts include system headers
echo "tidy: $# files are clean"
