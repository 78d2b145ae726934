#!/bin/bash
# need.sh PACKAGE...           makes sure that Debian packages are installed
# need.sh --program NAME...    the same for the packages that bring these programs
#
# As root on a Debian machine it installs what is missing; otherwise it says what to install.
set -euo pipefail

package_of() {
    case $1 in
        *-linux-gnu*-g++) echo "g++-${1%-g++}" ;;
        clang++) echo clang ;;
        qemu-arm | qemu-aarch64) echo qemu-user ;;
        musl-gcc) echo musl-tools ;;
        *) echo "$1" ;;
    esac
}

installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

missing=()
if [[ ${1-} == --program ]]; then
    shift
    for program; do command -v "$program" >/dev/null || missing+=("$(package_of "$program")"); done
else
    for package; do installed "$package" || missing+=("$package"); done
fi
((${#missing[@]})) || exit 0

if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
    echo "brood needs, and cannot install by itself: ${missing[*]}" >&2
    echo "    as root: apt-get install ${missing[*]}" >&2
    exit 1
fi

# Debian's lists are only fetched when what is there does not do. Jobs of one make may need the same
# at once: then they wait for each other.
install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -o DPkg::Lock::Timeout=600 -qq -y \
        --no-install-recommends "${missing[@]}" </dev/null >build/need.log 2>&1
}
mkdir -p build
echo "  APT  ${missing[*]}"
if ! install; then
    apt-get update -qq </dev/null >build/need.log 2>&1 || true
    install || { tail -5 build/need.log >&2; echo "cannot install ${missing[*]}" >&2; exit 1; }
fi
