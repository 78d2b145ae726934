#!/bin/bash
# lint.sh BUILT...: the layout of the sources. BUILT are the .cpp files that the Makefile builds.
set -euo pipefail
export LC_ALL=C.UTF-8
shopt -s extglob
failures=0

complain() {  # title, offending lines (none: all is well)
    if [[ -n $2 ]]; then
        echo "$1:"
        printf '%s\n' "$2" | sed 's/^/    /'
        failures=$((failures + 1))
    fi
}

mapfile -t code < <(find include src port test tools -name '*.[ch]pp' | sort)
mapfile -t scripts < <(find test tools .ci Makefile -type f ! -name '*.[ch]pp' ! -name '*.exclude' \
    ! -name '*.patch' ! -name '*.svg' ! -path 'tools/pages/*' -exec grep -Il '' {} + | sort)
library=()
for file in "${code[@]}"; do [[ $file == @(test|tools)/* ]] || library+=("$file"); done

complain "longer than 100 columns" \
    "$(grep -nE '^.{101,}' "${code[@]}" "${scripts[@]}" | cut -c 1-100 || true)"
complain "blanks at the end of a line, or tabs" \
    "$(grep -nP '[ \t]+$|^ *\t' "${code[@]}" || true)"
complain "left over" \
    "$(grep -nwE 'TO''DO|FIX''ME|X''XX|HA''CK' "${code[@]}" "${scripts[@]}" || true)"
complain "a path of somebody's machine" \
    "$(grep -nE '(^|[^a-z])/(home|work|root)/' "${code[@]}" "${scripts[@]}" || true)"
# The port's page is one, with all that brood asks of a system.
complain "more than 300 lines (600 in test/ and tools/, 450 port.hpp)" "$(wc -l "${code[@]}" | awk '
    $2 == "total" {next}
    $1 > ($2 ~ /^(test|tools)/ ? 600 : $2 == "port/port.hpp" ? 450 : 300) {print $2 ": " $1}')"

complain "no summary in the first line of an example: // At most 90 characters." \
    "$(for example in tools/examples/*.cpp; do
        head -n 1 "$example" | grep -qE '^// [^ ].{0,88}\.$' || echo "$example"
    done)"

complain "no step of tools/examples/path, or no example" "$(diff <(grep -v '^#' \
    tools/examples/path | sort) <(basename -s .cpp tools/examples/*.cpp | sort) || true)"

# A function begins at the line that opens its brace, at the margin or in a class, and ends with the
# brace in the same column. Namespaces, types and tables are none.
complain "a function of more than 70 lines" "$(awk '
    FNR == 1 {open = ""}
    open == "" && /^(    )?[^ #\/}].*\)[^;=]*{$/ && !/^ *(class|struct|union)/ {
        match($0, /^ */); open = substr($0, 1, RLENGTH) "}"; begin = FNR; name = $0
    }
    open != "" && index($0, open) == 1 {
        if (FNR - begin + 1 > 70) print FILENAME ":" begin ": " FNR - begin + 1 " lines: " name
        open = ""
    }' "${library[@]}")"

# test/freestanding and test/size hold programs of gates.
complain "no part of the build" "$(comm -13 <(printf '%s\n' "$@" | sort -u) <(
    printf '%s\n' "${code[@]}" | grep '\.cpp$' | grep -vE '^test/(freestanding|size)/' | sort -u))"
complain "included by nothing" "$(for header in "${code[@]}"; do
    [[ $header == *.hpp && $header != include/brood/+([a-z_]).hpp ]] || continue
    grep -qE "# *include.*[\"</]${header##*/}[\">]" "${code[@]}" || echo "$header"
done)"

complain "does not fit the sources exactly" "$(for patch in test/*/defects/*.patch; do
    patch -s -F0 --dry-run -p1 <"$patch" >/dev/null || echo "$patch"
done)"

if command -v clang-format >/dev/null; then
    complain "not as clang-format has it (make format)" "$(clang-format --dry-run -Werror \
        "${code[@]}" 2>&1 | grep -oE '^[^ ]+:[0-9]+:.*' | head -20 || true)"
else
    echo "not run: clang-format (not installed)"
fi

((failures == 0)) || { echo "lint: $failures rules broken"; exit 1; }
echo "lint: ${#code[@]} source files and ${#scripts[@]} scripts are in order"
