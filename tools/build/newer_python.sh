#!/bin/bash
# newer_python.sh: finds the multiprocessing/connection.py of a Python from 3.12 on, whose handshake
# differs from that of those before it, and prints where it is. Of a python3 that is older, it is
# fetched once into build/, from the standard library in an npm package: Python's own code, which
# runs on older ones, too. Fails, and says why, where neither can be had.
set -euo pipefail
version=0.27.7  # whose library is that of Python 3.12.7
own='import sys, multiprocessing.connection as c; sys.version_info >= (3, 12) and print(c.__file__)'
found=$(python3 -c "$own") || { echo 'no python3' >&2; exit 1; }
[[ -z $found ]] || { echo "$found"; exit 0; }

place=build/newer-python
if [[ ! -s $place/connection.py ]]; then
    command -v npm >/dev/null || { echo 'no npm to fetch a newer Python with' >&2; exit 1; }
    mkdir -p "$place"
    work=$(mktemp -d "$place/XXXXXX")
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && timeout 60 npm pack "pyodide@$version" >npm.log 2>&1) ||
        { echo 'npm cannot fetch a newer Python' >&2; exit 1; }
    tar -xzf "$work"/pyodide-*.tgz -C "$work" package/python_stdlib.zip
    python3 -m zipfile -e "$work/package/python_stdlib.zip" "$work/library"
    mv "$work/library/multiprocessing/connection.py" "$place/connection.py"
fi
realpath "$place/connection.py"
