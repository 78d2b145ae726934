#!/bin/bash
# check_install.sh BUILD MAKE CXX...: installs into an empty tree, then builds a program with what
# pkg-config says and nothing else of this repository in sight, and runs it.
set -euo pipefail
build=$(realpath "$1") make=$2
shift 2
tree=$build/installed
rm -rf "$tree"
"$make" install DESTDIR= PREFIX="$tree" >"$build/install.log"
"$(dirname "$0")/need.sh" --program pkg-config
cp test/freestanding/main.cpp "$tree/main.cpp"
cd "$tree"
read -ra flags < <(PKG_CONFIG_PATH=lib/pkgconfig pkg-config --cflags --libs brood)
"$@" -std=c++17 main.cpp "${flags[@]}" -o main
./main
for header in include/brood/*.hpp; do
    echo "#include <${header#include/}>" | "$@" -std=c++17 -fsyntax-only -Iinclude -x c++ -
done
[[ ! -e bin/brood ]] || { bin/brood --help && bin/brood study memory_isolation; } >/dev/null
# A shell that loads the completion by itself, and man, look where these files are.
bash -c 'source share/bash-completion/completions/brood && complete -p brood' >/dev/null
grep -q '^#compdef brood$' share/zsh/site-functions/_brood
grep -q '^\.Nm brood$' share/man/man1/brood.1
if command -v man >/dev/null; then man -M share/man -w brood >/dev/null; fi
if command -v python3 >/dev/null; then
    PYTHONPATH=share/brood python3 -Bc 'import brood_manager; brood_manager.connect'
else
    echo 'not run: check-install: no python3 to import brood_manager with'
fi
echo "check-install: a program builds and runs against the installed tree"
