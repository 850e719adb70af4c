#!/bin/sh
# shellcheck disable=SC2034,SC2154 # what lib.sh gives, and what it takes
# SPDX-License-Identifier: ISC
#
# What is played on the real Xen in one boot: the platform's promises, scenarios against xen-blkback
# over four kinds of disk and against QEMU, then many requests with all data compared.

cd /live || exit
export TMPDIR=/data

tap_all "platform" live_conformance

tap_limit=120
blkback=0
for kind in ram null loop; do
    tap_all "blkback over $kind" \
        simblk run --world live --live-disk $kind --format tap "blkback/$kind"
    blkback=$((blkback + tap_passed))
done
{ sed 2q blkback/loop/read-write.scn && echo "variants connect.pool=8,64" &&
    sed 1,2d blkback/loop/read-write.scn; } >/tmp/both.scn
tap "each variant is the same in both worlds" simblk diff --live-disk loop /tmp/both.scn
for kind in ram null loop; do
    tap_all "gone, over $kind" \
        simblk run --world live --live-disk $kind --format tap "gone/$kind"
done
qdisk_start
tap_all "qdisk" simblk run --world live --live-disk qdisk --format tap qdisk
say "scenarios that pass: $blkback against xen-blkback, $tap_passed against QEMU's"
tap "they are enough to compare by" [ $blkback -ge 60 -a "$tap_passed" -ge 30 ]

dd if=/dev/zero of=/dev/ram0 bs=1M 2>/dev/null # live_io takes a disk of zeros
vbd 51712 /dev/ram0
tap "100,000 random requests, 32 at a time, all data compared" live_io 51712 100000 32 1 2 32 1
say "live: $(tail -n 1 /tmp/out)"
# The simulated world below the same emulation, for comparison.
tap "the simulated world's rate is measured beside it" sh -c \
    "simblk bench --repeats 1 --time 100 --rows 'read 4 KiB persistent' | tee /tmp/rates;
    grep '^read.* all ' /tmp/rates >/dev/null"
say "simulated, 32 at a time, without and with all rules judged:" \
    "$(sed -n 's/^read.* \(none\|all\)  *\([0-9]*\) .*/\2/p' /tmp/rates | tr '\n' ' ')a second"
vbd 51728 /dev/ram1
tap "two queues, grants mapped for each request" live_io 51728 5000 32 2 0 11 0
say "live: $(tail -n 1 /tmp/out)"
vbd 51744 /dev/nullb0
tap "sectors of 4096 bytes, rings of 16 pages" live_io 51744 5000 128 1 4 256 1
say "live: $(tail -n 1 /tmp/out)"
if [ -x live_io_sanitized ]; then
    xenstore-write /local/domain/0/device/vbd/51728/state 1
    dd if=/dev/zero of=/dev/ram1 bs=1M 2>/dev/null
    tap "the frontend under AddressSanitizer" live_io_sanitized 51728 1000 32 1 2 32 1
fi

# What goes wrong is told; backends that end, and such as are odd.
for part in refused backends; do
    # shellcheck source=/dev/null
    . /live/$part.sh
done

# The kernel's own frontend against simback. It would take every device of dom0: they go first.
for number in 51712 51728 51744; do
    vbd_remove $number
done
for number in 51760 51776 51792 51808 51824; do
    vbd_remove $number qdisk
done
# shellcheck source=/dev/null
. /live/blkfront.sh
