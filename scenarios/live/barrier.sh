#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Three writes of the same sectors at once, the second a write barrier, against xen-blkback over a
# loop device. It lets the third overtake the second where both are on the ring (docs/fidelity.md);
# libblkfront puts a barrier there alone, and none is overtaken.

cd /live || exit
export TMPDIR=/data
times=40
for pool in 1 352; do
    sed "/^variants/d; s/^connect .*/connect pool=$pool -> ok/" in-its-place.scn >"pool-$pool.scn"
    overtaken=0 other=0 done=0
    while [ $done -lt $times ]; do
        done=$((done + 1))
        simblk run --world live "pool-$pool.scn" >/tmp/out 2>&1 && continue
        if grep -q "data are not that pattern" /tmp/out; then
            overtaken=$((overtaken + 1))
        else
            other=$((other + 1))
            cat /tmp/out
        fi
    done
    say "pool=$pool: overtaken in $overtaken of $times runs, failed otherwise in $other"
    tap "pool=$pool: no write overtakes a barrier" [ $overtaken = 0 ]
    tap "pool=$pool: each run has an end that is understood" [ $other = 0 ]
done
