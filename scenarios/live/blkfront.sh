#!/bin/sh
# shellcheck disable=SC2034,SC2086,SC2154 # what lib.sh gives, and what it takes
# SPDX-License-Identifier: ISC
#
# The kernel's own frontend against `simblk serve`: what it does where its backend misbehaves, and
# which rules it keeps. Nothing else may be in dom0 that it could take.

insmod /modules/xen-blkfront.ko

# shellcheck source=/dev/null
. /live/kernel.sh
kernel="sh /live/kernel.sh" # where a command has a time limit

serve() { # simblk serve's arguments: until the kernel has its disk
    simblk serve --vdev 51776 --seconds 200 "$@" >/tmp/served 2>&1 &
    served=$!
    within 20 told "state 4" && within 20 [ -b $disk ]
}

go_on() { # what simblk serve plays next
    kill -USR1 $served
}

looked() { # the kernel takes one change after another: it is through with the ones before
    go_on
    within 20 size_is 65536
}

serve_end() { # name of the run, the rules that xen-blkfront breaks in it
    kill $served
    wait $served
    cat /tmp/served
    kept >>/tmp/kept
    broken >>/tmp/broken
    tap "$1: of the rules xen-blkfront breaks ${2:-none}" \
        [ "$(broken | tr '\n' ' ')" = "${2:+$2 }" ]
    tap "$1: nothing is left of the device" \
        sh -c "! xenstore-exists /local/domain/0/device/vbd/51776"
    within 10 [ ! -b $disk ]
    dmesg -c
}

: >/tmp/kept
: >/tmp/broken
dmesg -c >/dev/null

# ---- requests that fare ill ----

serve serve/faults.txt
tap "xen-blkfront connects to simback" [ -b $disk ]
tap_fails "and its device is nobody else's" "is the kernel.s own" live_io 51776 100 1 1 0 11 0
dd if=/dev/urandom of=/tmp/data bs=4096 count=64 2>/dev/null
tap "xen-blkfront writes" dd if=/tmp/data of=$disk bs=4096 conv=fsync
tap "a flush that is not supported is asked for once, and the disk is written through" \
    grep "write through" /sys/block/xvde/queue/write_cache
echo 3 >/proc/sys/vm/drop_caches
tap "xen-blkfront reads what it has written" sh -c "head -c 262144 $disk | cmp - /tmp/data"
tap "an injected error arrives as an I/O error" $kernel fails_with "Input/output error" read_at 100
tap "an unknown status, too" $kernel fails_with "Input/output error" read_at 300
began=$(cut -d . -f 1 /proc/uptime)
tap "a late answer is waited for" $kernel read_at 200
tap "so long as it takes" [ $(($(cut -d . -f 1 /proc/uptime) - began)) -ge 1 ]
serve_end "faults" "I6 I12"

# ---- a disk that changes ----

serve serve/read-only.txt
tap "a read-only disk is read-only" [ "$(cat /sys/block/xvde/ro)" = 1 ]
tap "and is not written" $kernel fails_with "not permitted" write_at 0
tap "but read" $kernel read_at 0
serve_end "read-only" "I12"

serve serve/changes.txt
go_on
tap "a disk that grows is larger" $kernel within 20 size_is 65536
go_on
tap "one that shrinks is smaller" $kernel within 20 size_is 16384
go_on
within 20 told "line 9 is played"
tap "one that turns read-only is not noticed" [ "$(cat /sys/block/xvde/ro)" = 0 ]
tap "until a write fails" $kernel fails_with "Input/output error" write_at 0
go_on
tap "a backend that closes is followed" $kernel within 20 told "state 6"
serve_end "changes" "I12"

serve serve/sectors-of-4096.txt
tap "sectors of 4096 bytes" [ "$(cat /sys/block/xvde/queue/logical_block_size)" = 4096 ]
tap "are written" dd if=/tmp/data of=$disk bs=4096 conv=fsync
tap "and discarded" blkdiscard -l 65536 $disk
tap "and read" sh -c "tail -c +65537 $disk | head -c 196608 >/tmp/rest &&
    tail -c +65537 /tmp/data | cmp - /tmp/rest"
serve_end "sectors of 4096 bytes" "I6 I12"

# ---- a backend that breaks the protocol ----

hostile() { # scenario, what the kernel says
    serve "serve/$1.txt"
    looked
    go_on
    tap "$1: the kernel sees it" $kernel within 20 logged "$2"
    tap "$1: and uses the disk no further" $kernel logged "disabled for further use"
    serve_end "$1" "I12"
}
hostile bad-id "response has incorrect id (119)"
hostile twice "response references no pending request"
hostile beyond "illegal number of responses 100"

# ---- a file system on an image, closed and opened again ----

file_system() {
    for module in crc16 crc32c_generic mbcache jbd2 ext4; do
        insmod /modules/$module.ko
    done
    dd if=/dev/zero of=/data/image bs=1M count=16 2>/dev/null
    mkdir -p /mnt
    serve --disk /data/image serve/plain.txt
    tap "an ext4 is made on simback's disk" /live/mke2fs -q -t ext4 $disk
    tap "and mounted" mount -t ext4 $disk /mnt
    tap "a file is written" cp /tmp/data /mnt/data
    tap "and all is unmounted" umount /mnt
    serve_end "ext4" "I6 I12"
    serve --disk /data/image serve/plain.txt
    tap "it is mounted again from a new backend" mount -t ext4 $disk /mnt
    tap "and holds the file" cmp /tmp/data /mnt/data
    tap "another one is written and synced" sh -c "cp /tmp/data /mnt/more && sync"
    serve_end "ext4 taken away while it is mounted" "I6 I12"
    umount /mnt
    within 10 [ ! -b $disk ]
    serve --disk /data/image serve/plain.txt
    tap "it is mounted once more" mount -t ext4 $disk /mnt
    tap "and nothing that was synced is lost" \
        sh -c "cmp /tmp/data /mnt/data && cmp /tmp/data /mnt/more"
    umount /mnt
    serve_end "ext4 come back" "I6 I12"
}
[ ! -x /live/mke2fs ] || file_system

# ---- a backend that is gone ----

# The last: where the kernel waits for an answer then, it waits for ever.
serve serve/gone.txt
looked
go_on
within 20 told "state 0"
tap "a backend that is gone is not noticed" \
    sh -c "sleep 1; [ \"\$(xenstore-read /local/domain/0/device/vbd/51776/state)\" = 4 ]"
serve_end "gone" "I4"

say "xen-blkfront of Linux $(uname -r) kept" "$(sort -u /tmp/kept | sort -k 1.2n | tr '\n' ' ')"
say "and broke $(sort /tmp/broken | uniq -c | awk '{ printf "%s in %s runs ", $2, $1 }')"
