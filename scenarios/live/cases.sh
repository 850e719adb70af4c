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
qdisk_start
tap_all "qdisk" simblk run --world live --live-disk qdisk --format tap qdisk

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

# The kernel's own frontend against simback. It would take every device of dom0: they go first.
for number in 51712 51728 51744; do
    vbd_remove $number
done
insmod /modules/xen-blkfront.ko
serve() { # simblk serve's arguments: until the kernel has its disk, which is xvde
    simblk serve --vdev 51776 --seconds 200 "$@" >/tmp/served 2>&1 &
    served=$!
    tries=0
    until [ -b /dev/xvde ] || [ $tries -gt 200 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
}
serve_end() {
    kill $served
    wait $served
    served_status=$?
    cat /tmp/served
}
serve serve/bad-sectors.txt
tap "xen-blkfront connects to simback" [ -b /dev/xvde ]
dd if=/dev/urandom of=/tmp/data bs=4096 count=64 2>/dev/null
tap "xen-blkfront writes" dd if=/tmp/data of=/dev/xvde bs=4096 conv=fsync
echo 3 >/proc/sys/vm/drop_caches
tap "xen-blkfront reads what it has written" sh -c "head -c 262144 /dev/xvde | cmp - /tmp/data"
tap "an injected error arrives as an I/O error" \
    sh -c "! dd if=/dev/xvde of=/dev/null bs=4096 skip=100 count=1"
serve_end
tap "simback has nothing to say against xen-blkfront" [ $served_status = 0 ]
tap "nothing is left of the device" sh -c "! xenstore-exists /local/domain/0/device/vbd/51776"

# A file system on an image, closed and opened again.
if [ -x mke2fs ]; then
    for module in crc16 crc32c_generic mbcache jbd2 ext4; do
        insmod /modules/$module.ko
    done
    dd if=/dev/zero of=/data/image bs=1M count=16 2>/dev/null
    mkdir -p /mnt
    serve --disk /data/image serve/plain.txt
    tap "an ext4 is made on simback's disk" /live/mke2fs -q -t ext4 /dev/xvde
    tap "and mounted" mount -t ext4 /dev/xvde /mnt
    tap "a file is written" cp /tmp/data /mnt/data
    tap "and all is unmounted" umount /mnt
    serve_end
    serve --disk /data/image serve/plain.txt
    tap "it is mounted again from a new backend" mount -t ext4 /dev/xvde /mnt
    tap "and holds the file" cmp /tmp/data /mnt/data
    umount /mnt
    serve_end
    tap "and simback has nothing to say" [ $served_status = 0 ]
fi
