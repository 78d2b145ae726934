#!/bin/bash
# readme.sh BUILD MAKE CXX...: README.md and CONTRIBUTING.md do what they say. README's programs
# build against the library with no more flags than it tells a user to give, and run; each block of
# shell runs; the targets and variables of make, the commands of brood and the files that the pages
# name are there, and so is what README's tables say that brood has.
#
# Blocks of shell run one after the other, each with `set -e` and for two minutes at most, in a copy
# of the sources that has the build folder, main.cpp (README's first program) and a HOME of its own.
# Examples take a twentieth of their time there. A line whose comment says "until Ctrl-C" is
# interrupted after a second. Of make only help, example and install are run: what else is named
# must be run by a stage of .ci/run, or be one of those that take too long for any.
set -euo pipefail
build=$1 make=$2
shift 2
too_long='bench cross cross-check crash-compare fuzz size storm-defects tidy'
pages=(README.md CONTRIBUTING.md)
folder=$(realpath "$build")/readme
rm -rf "$folder"
mkdir -p "$folder/blocks"
failures=0

complain() {
    echo "$1: $2"
    failures=$((failures + 1))
}

# ---- Programs --------------------------------------------------------------------------------

# Each block of C++ with a main() becomes a program of its own; it starts with its line number.
awk -v folder="$folder" '
    /^```cpp$/ {block = "#line " FNR + 1 " \"README.md\"\n"; inside = 1; has_main = 0; next}
    /^```/ && inside {
        if (has_main) printf "%s", block > sprintf("%s/line%04d.cpp", folder, FNR)
        inside = 0
    }
    inside {block = block $0 "\n"; has_main = has_main || /^int main\(/}' README.md
shopt -s nullglob
programs=("$folder"/*.cpp)
((${#programs[@]})) || complain README.md "no program found"
for source in "${programs[@]}"; do
    program=${source%.cpp}
    where="the program that ends at line $((10#${program##*line}))"
    if ! "$@" -std=c++17 -Wall -Wextra -Wpedantic -Werror -Iinclude "$source" "$build/libbrood.a" \
        -pthread -lrt -o "$program"; then
        complain README.md "$where does not build"
    elif ! timeout 60 ${EMULATOR-} "$program"; then
        complain README.md "$where fails"
    fi
done

# ---- Blocks of shell -------------------------------------------------------------------------

copy=$folder/copy
mkdir -p "$copy/build" "$copy/home"
cp -Rp Makefile "${pages[@]}" include src port test tools "$copy"
ln -s "$(realpath "$build")" "$copy/build/linux-g++"
cp "${programs[0]}" "$copy/main.cpp"
cat >"$folder/begin.sh" <<'END'
set -e
make() {
    local word target=all
    for word; do [[ $word == -* || $word == *=* ]] || target=$word; done
    case $target in
        help | example | install) command "$MAKE" -C "$ROOT" "$@" ;;
        *) echo "$target" >>"$ELSEWHERE" ;;
    esac
}
until_interrupted() { timeout -s INT 1 "$@" || (($? == 124)); }
END
export ELSEWHERE=$folder/elsewhere
: >"$ELSEWHERE"
for page in "${pages[@]}"; do
    awk -v folder="$folder/blocks" -v page="${page%.md}" '
        /^```sh$/ {block = sprintf("%s/%s-%04d.sh", folder, page, FNR); next}
        /^```/ {block = ""}
        block != "" {print (/# .*until Ctrl-C/ ? "until_interrupted " : "") $0 > block}' "$page"
done
lines=0
for page in "${pages[@]}"; do
    for block in "$folder/blocks/${page%.md}"-*.sh; do
        where="the block of shell at line $((10#$(basename "${block##*-}" .sh)))"
        lines=$((lines + $(grep -c . "$block")))
        status=0
        (
            export HOME=$copy/home BROOD_PACE=0.05 LC_ALL=C ROOT=$PWD MAKE=$make
            cd "$copy"
            timeout -k 5 120 bash -c '. "$0" && . "$1"' "$folder/begin.sh" "$block" </dev/null
        ) >"$block.log" 2>&1 || status=$?
        ((status == 0)) || complain "$page" "$where ends with status $status:
$(tail -5 "$block.log")"
    done
done
while read -r target; do
    grep -qw "make $target" .ci/run || [[ " $too_long " == *" $target "* ]] ||
        complain "blocks of shell" "make $target is run neither here nor by .ci/run"
done < <(sort -u "$ELSEWHERE")

# ---- What is named ---------------------------------------------------------------------------

# Lines of make in blocks of shell, and `make ...` within the text.
mapfile -t calls < <(awk '
    /^```sh$/ {inside = 1; next}
    /^```/ {inside = 0}
    inside && /^make( |$)/ {sub(/ *#.*/, ""); print; next}
    !inside {while (match($0, /`make [^`]*`/)) {
        print substr($0, RSTART + 1, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH)
    }}' "${pages[@]}")
for call in "${calls[@]}"; do
    for word in $(sed "s/^make//; s/='[^']*'/=/g" <<<"$call"); do
        case $word in
            -*) ;;
            *=*) grep -qw "${word%%=*}" Makefile || complain "$call" "no ${word%%=*} here" ;;
            *) grep -q "^$word:" Makefile || complain "$call" "no target $word here" ;;
        esac
    done
done

# `brood study NAME`: the command is one.
while read -r first second _; do
    [[ ! -e $build/brood ]] || "$build/brood" "$first" --help >/dev/null 2>&1 ||
        "$build/brood" "$first" "$second" --help >/dev/null 2>&1 ||
        complain "brood $first" "there is no such command"
done < <(grep -ohE '`brood [a-z][^`]*' "${pages[@]}" | cut -c 8- | sort -u)

# What the tables of Python's calls have in code on their right side is in the headers.
names=0
while read -r word; do
    names=$((names + 1))
    grep -rqw "$word" include/brood || complain README.md "the headers know no $word"
done < <(awk -F ' [|] ' '/^\| Python \| brood \|/ {inside = 1; next} !/^\|/ {inside = 0}
    inside {print $NF}' README.md | grep -oE '`[^`]+`' | grep -v '^`brood ' |
    sed -E 's/"[^"]*"//g; s/std::[a-z_]+//g' | grep -oE '[A-Za-z_]{2,}' | sort -u)
((names)) || complain README.md "no table of Python's calls found"

version=$(sed -n 's/.*kVersion = "\(.*\)".*/\1/p' include/brood/version.hpp)
grep -q "^## \[$version\]" CHANGELOG.md || complain CHANGELOG.md "nothing about version $version"

while read -r link; do
    [[ $link == *://* || -e ${link%%#*} ]] || complain "a link" "there is no $link"
done < <(grep -ohE '\]\([^)#]+' "${pages[@]}" CHANGELOG.md | cut -c 3-)

((failures == 0)) || exit 1
echo "check-readme: ${#programs[@]} programs and $lines lines of shell run, ${#calls[@]} commands" \
    "of make and $names names are there"
