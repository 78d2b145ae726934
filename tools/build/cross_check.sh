#!/bin/bash
# cross_check.sh ARCH MAKE: the tests on another architecture. i386 programs run natively, others
# under qemu-user, which cannot do all that tests ask for: test/qemu.exclude lists what.
set -euo pipefail
arch=$1 make=$2
need=$(dirname "$0")/need.sh

case $arch in
    armhf) triplet=arm-linux-gnueabihf qemu=qemu-arm other='' ;;
    armel) triplet=arm-linux-gnueabi qemu=qemu-arm other='' ;;
    arm64) triplet=aarch64-linux-gnu qemu=qemu-aarch64 other=i386 ;;
    i386) triplet=i686-linux-gnu qemu='' other='' ;;
    *) echo "ARCH=$arch: known are armhf armel arm64 i386" >&2; exit 1 ;;
esac
"$need" --program "$triplet-g++" ${qemu:+"$qemu"}

# The libraries of the cross compiler are no part of the system: name them in the programs, for what
# the libraries need in turn, too (which the newer tag does not).
libraries=/usr/i686-linux-gnu/lib
i386_flags="-Wl,--dynamic-linker=$libraries/ld-linux.so.2 -Wl,-rpath=$libraries \
    -Wl,--disable-new-dtags"

# Programs of the other word size, run natively, share queues with those under test; without them
# that is not run.
words=test/named_queue_words_test
if [[ $(uname -m) == x86_64 ]]; then
    build=build/check-${other:-words}
    [[ -z $other ]] || "$need" --program i686-linux-gnu-g++
    if "$make" ARCH="$other" CROSS_COMPILE="${other:+i686-linux-gnu-}" BUILD="$build" \
        LDFLAGS="${other:+$i386_flags}" "$build/$words"; then
        export BROOD_OTHER_WORD=$PWD/$build/$words
    fi
fi

if [[ -n $qemu ]]; then
    export EMULATOR="$qemu -L /usr/$triplet" BROOD_EXCLUDE=$PWD/test/qemu.exclude
    exec "$make" check ARCH="$arch"
fi
exec "$make" check ARCH="$arch" BUILD="build/check-$arch" LDFLAGS="$i386_flags"
