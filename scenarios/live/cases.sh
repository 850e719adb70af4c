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
for kind in ram null loop; do
    tap_all "blkback over $kind" \
        simblk run --world live --live-disk $kind --format tap "blkback/$kind"
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

dd if=/dev/zero of=/dev/ram0 bs=1M 2>/dev/null # live_io takes a disk of zeros
vbd 51712 /dev/ram0
tap "100,000 random requests, 32 at a time, all data compared" live_io 51712 100000 32 1 2 32 1
say "live: $(tail -n 1 /tmp/out)"
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

# What goes wrong is told, with what to do about it, and nothing is left.
fresh() { # the device of ram1 as it was in the beginning
    xenstore-write /local/domain/0/device/vbd/51728/state 1
    dd if=/dev/zero of=/dev/ram1 bs=1M 2>/dev/null
}
set -- live_io 51728 1000 32 1 0 11 0
fresh
live_io 51728 100000000 32 1 0 11 0 >/dev/null 2>&1 &
killed=$!
sleep 3
tap_fails "a device that is connected is not taken" "connected by another process" "$@"
kill -9 $killed
wait $killed
dd if=/dev/zero of=/dev/ram1 bs=1M 2>/dev/null
tap "a frontend that was killed is followed by another" "$@"
fresh
limit=/sys/module/xen_gntalloc/parameters/limit
echo 16 >$limit
tap_fails "gntalloc at its limit is told" "its limit is 16" "$@"
echo 16384 >$limit
tap "and leaves no node" sh -c "! xenstore-exists /local/domain/0/device/vbd/51728/ring-ref"
mv /dev/xen/gntalloc /dev/xen/gone
tap_fails "a missing device node is told" "modprobe xen-gntalloc" "$@"
mv /dev/xen/gone /dev/xen/gntalloc

# Backends that end under load and begin anew: xen-blkback's driver, and QEMU's process.
fresh
live_io 51728 40000 32 1 2 32 1 1 >/tmp/found 2>&1 &
found=$!
within 20 grep -q "queues" /tmp/found
sleep 1
echo vbd-0-51728 >/sys/bus/xen-backend/drivers/vbd/unbind
sleep 1
echo vbd-0-51728 >/sys/bus/xen-backend/drivers/vbd/bind
wait $found
found_status=$?
tap "a driver that is taken from its device and comes back is found again, with all data right" \
    sh -c "cat /tmp/found; [ $found_status = 0 ]"
dd if=/dev/zero of=/data/qdisk bs=1M count=16 2>/dev/null
qdisk 51760 aio:/data/qdisk
live_io 51760 1500 8 1 0 11 0 1 >/tmp/found 2>&1 &
found=$!
within 20 grep -q "queues" /tmp/found
sleep 1
kill -9 "$(cat /run/qemu.pid)"
qdisk_start
sleep 2
tap "a QEMU that is killed leaves its device as it was, and its successor does not look at it" \
    [ "$(xenstore-read /local/domain/0/backend/qdisk/0/51760/state)" = 4 ]
xenstore-rm /local/domain/0/backend/qdisk/0/51760
qdisk_back 51760 aio:/data/qdisk
wait $found
found_status=$?
tap "set up anew it is found again, with all data right" \
    sh -c "cat /tmp/found; [ $found_status = 0 ]"

# What QEMU makes of a read-only disk, and of one with sectors of 4096 bytes.
qdisk 51776 aio:/data/qdisk r
sleep 2
tap "QEMU makes no backend of a read-only disk" \
    sh -c "! xenstore-exists /local/domain/0/backend/qdisk/0/51776/sectors"
qdisk 51792 aio:/dev/nullb1
within 10 xenstore-exists /local/domain/0/backend/qdisk/0/51792/sectors
tap "QEMU has sectors of 512 bytes on a disk with sectors of 4096" \
    [ "$(xenstore-read /local/domain/0/backend/qdisk/0/51792/sector-size)" = 512 ]
tap "and serves them" live_io 51792 200 4 1 0 11 0

# The kernel's own frontend against simback. It would take every device of dom0: they go first.
for number in 51712 51728 51744; do
    vbd_remove $number
done
for number in 51760 51776 51792; do
    vbd_remove $number qdisk
done
# shellcheck source=/dev/null
. /live/blkfront.sh
