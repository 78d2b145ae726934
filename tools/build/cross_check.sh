#!/bin/bash
# cross_check.sh ARCH MAKE: the tests on another architecture. i386 programs run natively, others
# under qemu-user, which cannot do all that tests ask for: test/qemu.exclude lists what, and tests
# that find out by themselves see BROOD_QEMU=1.
set -euo pipefail
arch=$1 make=$2
need=$(dirname "$0")/need.sh

case $arch in
    armhf) triplet=arm-linux-gnueabihf qemu=qemu-arm ;;
    armel) triplet=arm-linux-gnueabi qemu=qemu-arm ;;
    arm64) triplet=aarch64-linux-gnu qemu=qemu-aarch64 ;;
    i386) triplet=i686-linux-gnu qemu='' ;;
    *) echo "ARCH=$arch: known are armhf armel arm64 i386" >&2; exit 1 ;;
esac
"$need" --program "$triplet-g++" ${qemu:+"$qemu"}

if [[ -n $qemu ]]; then
    export BROOD_QEMU=1 EMULATOR="$qemu -L /usr/$triplet" BROOD_EXCLUDE=$PWD/test/qemu.exclude
    exec "$make" check ARCH="$arch"
fi
# The libraries of the cross compiler are no part of the system: name them in the programs, for what
# the libraries need in turn, too (which the newer tag does not).
libraries=/usr/$triplet/lib
# Programs of this machine's own word size share queues with those; without them that is not run.
words=build/check-words/test/named_queue_words_test
if [[ $(uname -m) == x86_64 ]] && "$make" ARCH= CROSS_COMPILE= BUILD=build/check-words $words; then
    export BROOD_OTHER_WORD=$PWD/$words
fi
exec "$make" check ARCH="$arch" BUILD="build/check-$arch" \
    LDFLAGS="-Wl,--dynamic-linker=$libraries/ld-linux.so.2 -Wl,-rpath=$libraries \
    -Wl,--disable-new-dtags"
