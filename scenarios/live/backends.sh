#!/bin/sh
# shellcheck disable=SC2034,SC2154 # what lib.sh gives, and what it takes
# SPDX-License-Identifier: ISC
#
# Backends that end under load and begin anew: xen-blkback's driver, and QEMU's process; and what
# QEMU makes of what it cannot serve.

has_read() { # that many requests
    [ "$(cat /sys/bus/xen-backend/devices/vbd-0-51728/statistics/rd_req)" -gt "$1" ]
}
fresh
live_io 51728 20000 32 1 2 32 1 1 >/tmp/found 2>&1 &
found=$!
within 20 has_read 1000
echo vbd-0-51728 >/sys/bus/xen-backend/drivers/vbd/unbind
sleep 0.5
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
sleep 0.3
kill -9 "$(cat /run/qemu.pid)"
qdisk_start
# It takes one device after another: what it has of this one, it has seen of those before.
qdisk 51792 aio:/dev/nullb1
within 20 xenstore-exists /local/domain/0/backend/qdisk/0/51792/sectors
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
qdisk 51824 aio:/data/qdisk
within 20 xenstore-exists /local/domain/0/backend/qdisk/0/51824/sectors
tap "QEMU makes no backend of a read-only disk" \
    sh -c "! xenstore-exists /local/domain/0/backend/qdisk/0/51776/sectors"
tap "QEMU has sectors of 512 bytes on a disk with sectors of 4096" \
    [ "$(xenstore-read /local/domain/0/backend/qdisk/0/51792/sector-size)" = 512 ]
# Of a frontend without its nodes it hears before it serves these.
xenstore-write /local/domain/0/device/vbd/51824/state 3
tap "and serves them" live_io 51792 200 4 1 0 11 0
tap "QEMU tells a frontend nothing whose nodes are missing, and stays in 2" \
    sh -c "[ \$(xenstore-read /local/domain/0/backend/qdisk/0/51824/state) = 2 ] &&
    ! xenstore-exists /local/domain/0/error/backend/qdisk/0/51824/error"

# One whose disk really has larger ones connects to nobody who does not ask for them, which
# blkif.h says that no frontend should, and tells it to nobody but itself.
large=/local/domain/0/backend/qdisk/0/51808
xen-qemu-system-i386 -xen-domid 0 -xen-attach -nographic -M xenpv -monitor /dev/null \
    -serial /dev/null -parallel /dev/null -nodefaults -no-user-config \
    -blockdev driver=file,node-name=large,filename=/data/qdisk \
    -device xen-disk,vdev=xvdg,drive=large,logical_block_size=4096,physical_block_size=4096 \
    >/tmp/large 2>&1 &
large_qemu=$!
within 20 xenstore-exists $large/sectors
tap "QEMU with sectors of 4096 bytes counts its disk in them" \
    [ "$(xenstore-read $large/sector-size $large/sectors | tr '\n' ' ')" = "4096 4096 " ]
tap_fails "and refuses a frontend that does not ask for them, which waits until its deadline" \
    "deadline not connected in time: $large" live_io 51808 200 4 1 0 11 0 0 3
tap "which QEMU tells in its own log alone" sh -c \
    "grep 'logical_block_size != 512 not supported by frontend' /tmp/large &&
    ! xenstore-exists /local/domain/0/error/backend/qdisk/0/51808/error"
kill $large_qemu
wait $large_qemu
