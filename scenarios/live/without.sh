#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Everything but what runs on a real Xen is built and passes where Xen's libraries are not; and who
# asks for them is told that they are missing.
#
#     without.sh ROOT WORK CC

set -eu
LC_ALL=C
export LC_ALL

root=$1 work=$2 cc=$3
mkdir -p "$work"

# To pkg-config there is nothing at all: AUTO goes without, ON does not go on.
PKG_CONFIG_LIBDIR=$work/nothing
export PKG_CONFIG_LIBDIR
unset PKG_CONFIG_PATH

configure() { # folder, SIMBLK_WITH_XEN
    rm -rf "${work:?}/$1"
    cmake -S "$root" -B "$work/$1" -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Debug \
        -DCMAKE_C_FLAGS_DEBUG=-O0 -DBUILD_TESTING=OFF -DSIMBLK_WITH_XEN="$2" >"$work/$1.log" 2>&1
}

complain() { # what, the file that tells more
    echo "$1"
    tail -n 40 "$2"
    exit 1
}

! configure on ON || complain "SIMBLK_WITH_XEN=ON goes without Xen's libraries" "$work/on.log"
tr -s ' \n' ' ' <"$work/on.log" |
    grep -q "SIMBLK_WITH_XEN=ON, but .*Debian: pkg-config libxen-dev" ||
    complain "SIMBLK_WITH_XEN=ON does not say what is missing" "$work/on.log"
configure off OFF || complain "SIMBLK_WITH_XEN=OFF does not go" "$work/off.log"
configure auto AUTO || complain "SIMBLK_WITH_XEN=AUTO does not go" "$work/auto.log"
cmake --build "$work/auto" --target simblk >"$work/build.log" 2>&1 ||
    complain "the tool cannot be built" "$work/build.log"

simblk=$work/auto/scenarios/simblk
"$simblk" run --strict "$root/scenarios/conformance/connect" "$root/scenarios/live" \
    >"$work/run.log" 2>&1 || complain "scenarios fail" "$work/run.log"

told() { # command...: exits with 2, and says why
    status=0
    "$simblk" "$@" >"$work/told.log" 2>&1 || status=$?
    { [ $status = 2 ] && grep -q "built without Xen's libraries" "$work/told.log"; } ||
        complain "simblk $1: $status" "$work/told.log"
}
told run --world live "$root/scenarios/live/blkback/loop/info.scn"
told diff "$root/scenarios/live/blkback/loop/info.scn"
told serve "$root/scenarios/live/serve/plain.txt"
