#!/bin/bash
# cmocka.sh BUILD CXX...: finds CMocka for this compiler, or fetches it, and writes the flags to
# use it into BUILD/cmocka.cflags and BUILD/cmocka.libs.
#
# Tried in this order: what the compiler finds by itself; as root and for the host's own
# architecture, Debian's package; else that package's files unpacked under build/, for which nobody
# needs to be root and by which the host is not changed.
set -euo pipefail
build=$1
shift
compiler=("$@")
here=$(dirname "$0")

machine=$("${compiler[@]}" -dumpmachine)
case $machine in
    x86_64-*) arch=amd64 triplet=x86_64-linux-gnu ;;
    i?86-*) arch=i386 triplet=i386-linux-gnu ;;
    aarch64-*) arch=arm64 triplet=aarch64-linux-gnu ;;
    arm-*-gnueabihf) arch=armhf triplet=arm-linux-gnueabihf ;;
    arm-*-gnueabi) arch=armel triplet=arm-linux-gnueabi ;;
    *) echo "brood: no CMocka is known for $machine" >&2; exit 1 ;;
esac

# Whether a program links with the flags found so far; if so, writes them down.
cflags='' libs='-lcmocka'
works() {
    # shellcheck disable=SC2086
    printf '%s\n' '#include <setjmp.h>' '#include <stdarg.h>' '#include <stddef.h>' \
        '#include <stdint.h>' 'extern "C" {' '#include <cmocka.h>' '}' \
        'int main() { cmocka_set_message_output(CM_OUTPUT_STDOUT); }' |
        "${compiler[@]}" $cflags -x c++ - -x none $libs -o "$build/cmocka.probe" \
            2>"$build/cmocka.log" || return 1
    rm "$build/cmocka.probe"
    echo "$libs" >"$build/cmocka.libs"
    echo "$cflags" >"$build/cmocka.cflags"
}

works && exit 0

if [[ $arch == $(dpkg --print-architecture) && $EUID == 0 ]]; then
    "$here/need.sh" libcmocka-dev
    works && exit 0
fi

# Lists and cache of our own: a foreign architecture is not made known to the host's apt.
root=$PWD/build/cmocka-$arch
apt=(apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures::="$arch"
    -o Dir::State::Lists="$root/lists" -o Dir::Cache="$root/cache" -o Dir::State::status=/dev/null)
if [[ ! -d $root/usr ]]; then
    echo "  APT  libcmocka-dev:$arch, unpacked under $root"
    mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
    "${apt[@]}" update >"$build/cmocka.log" 2>&1 || true  # one list of several may be missing
    if ! (cd "$root/cache" && "${apt[@]}" download libcmocka-dev libcmocka0) \
        >>"$build/cmocka.log" 2>&1; then
        tail -5 "$build/cmocka.log" >&2
        echo "brood: cannot fetch CMocka for $arch" >&2
        exit 1
    fi
    for package in "$root"/cache/*.deb; do dpkg-deb -x "$package" "$root"; done
fi
cflags="-isystem $root/usr/include"
libs="-L$root/usr/lib/$triplet -Wl,-rpath,$root/usr/lib/$triplet -lcmocka"
works || { cat "$build/cmocka.log" >&2; echo "brood: CMocka for $arch does not link" >&2; exit 1; }
