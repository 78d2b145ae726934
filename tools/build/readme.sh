#!/bin/bash
# readme.sh BUILD CXX...: README.md does what it says. Its programs build against the library with
# no more flags than it tells a user to give, and run; the targets and variables of make that it
# names are there, and so are the files it links to and what its table says that brood has.
set -euo pipefail
build=$1
shift
folder=$build/readme
rm -rf "$folder"
mkdir -p "$folder"
failures=0

complain() {
    echo "README.md: $1"
    failures=$((failures + 1))
}

# Each block of C++ with a main() becomes a program of its own; it starts with its line number.
awk -v folder="$folder" '
    /^```cpp$/ {block = "#line " FNR + 1 " \"README.md\"\n"; inside = 1; has_main = 0; next}
    /^```/ && inside {if (has_main) printf "%s", block > (folder "/line" FNR ".cpp"); inside = 0}
    inside {block = block $0 "\n"; has_main = has_main || /^int main\(/}' README.md
shopt -s nullglob
programs=("$folder"/*.cpp)
((${#programs[@]})) || complain "no program found"
for source in "${programs[@]}"; do
    program=${source%.cpp}
    where="the program that ends at line ${program##*line}"
    if ! "$@" -std=c++17 -Wall -Wextra -Wpedantic -Werror -Iinclude "$source" "$build/libbrood.a" \
        -pthread -lrt -o "$program"; then
        complain "$where does not build"
    elif ! timeout 60 ${EMULATOR-} "$program"; then
        complain "$where fails"
    fi
done

# Lines of make in blocks of shell, and `make ...` within the text.
mapfile -t calls < <(awk '
    /^```sh$/ {inside = 1; next}
    /^```/ {inside = 0}
    inside && /^make( |$)/ {sub(/ *#.*/, ""); print; next}
    !inside {while (match($0, /`make [^`]*`/)) {
        print substr($0, RSTART + 1, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH)
    }}' README.md)
for call in "${calls[@]}"; do
    for word in ${call#make}; do
        case $word in
            -*) ;;
            *=*) grep -qw "${word%%=*}" Makefile || complain "\"$call\": no ${word%%=*} here" ;;
            *) grep -q "^$word:" Makefile || complain "\"$call\": no target $word here" ;;
        esac
    done
done

# What the table of Python's calls has in code on its right side is in the headers.
names=0
while read -r word; do
    names=$((names + 1))
    grep -rqw "$word" include/brood || complain "the headers know no $word"
done < <(awk -F ' [|] ' '/^\| Python \| brood \|/ {inside = 1; next} !/^\|/ {inside = 0}
    inside {print $NF}' README.md | grep -oE '`[^`]+`' |
    sed -E 's/"[^"]*"//g; s/std::[a-z_]+//g' | grep -oE '[A-Za-z_]{2,}' | sort -u)
((names)) || complain "no table of Python's calls found"

while read -r link; do
    [[ $link == *://* || -e ${link%%#*} ]] || complain "there is no $link"
done < <(grep -oE '\]\([^)#]+' README.md | cut -c 3-)

((failures == 0)) || exit 1
echo "check-readme: ${#programs[@]} programs run, ${#calls[@]} commands of make and" \
    "$names names are there"
