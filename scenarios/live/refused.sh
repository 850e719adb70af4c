#!/bin/sh
# shellcheck disable=SC2034,SC2154 # what lib.sh gives, and what it takes
# SPDX-License-Identifier: ISC
#
# What goes wrong on our side is told, with what to do about it, and nothing is left: no node of
# ours, nothing open in the process.

fresh() { # the device of ram1 as it was in the beginning
    xenstore-write /local/domain/0/device/vbd/51728/state 1
    dd if=/dev/zero of=/dev/ram1 bs=1M 2>/dev/null
}
nodes_of() { # number: what is in the frontend's directory
    xenstore-list "/local/domain/0/device/vbd/$1" | sort | tr '\n' ' '
}
toolstacks="backend backend-id device-type state virtual-device "
set -- live_io 51728 1000 32 1 0 11 0

# ---- somebody has the device ----

fresh
live_io 51728 100000000 32 1 0 11 0 >/tmp/killed 2>&1 &
killed=$!
within 20 grep -q "queues" /tmp/killed
tap_fails "a device that is connected is not taken" "connected by another process" "$@"
kill -9 $killed
wait $killed
dd if=/dev/zero of=/dev/ram1 bs=1M 2>/dev/null
tap "a frontend that was killed is followed by another" "$@"
tap_fails "simblk run takes no device that is there" "is there already" \
    simblk run --world live --live-disk ram blkback/ram/info.scn
tap_fails "nor does simblk serve" "is there already" simblk serve serve/plain.txt
tap "and both leave it as it was" [ "$(nodes_of 51712)" = "$toolstacks" ]

# ---- something is missing ----

fresh
limit=/sys/module/xen_gntalloc/parameters/limit
echo 16 >$limit
tap_fails "gntalloc at its limit is told" "its limit is 16" "$@"
echo 16384 >$limit
tap "and leaves no node of the frontend's" [ "$(nodes_of 51728)" = "$toolstacks" ]
tap "nor anything open" grep "^nothing is left open" /tmp/failed

without() { # a device node, name, what it says, command...
    without_node=$1
    shift
    mv "/dev/xen/$without_node" /dev/xen/gone
    tap_fails "$@"
    mv /dev/xen/gone "/dev/xen/$without_node"
}
for node in gntalloc evtchn; do
    without $node "a missing $node is told" "modprobe xen-$node" "$@"
done
without gntdev "simblk serve misses its device, too" "load xen-gntdev" \
    simblk serve --vdev 51776 serve/plain.txt
tap "and leaves no node" sh -c "! xenstore-exists /local/domain/0/device/vbd/51776 &&
    ! xenstore-exists /local/domain/0/backend/simblk"

# ---- who asks may not, or this is no Xen ----

mkdir -p /etc
echo "nobody:x:99:99::/:/bin/sh" >/etc/passwd
tap_fails "a user who may not is told" "be root" start-stop-daemon -S -c nobody -x "/live/$1" -- \
    51728 1000 32 1 0 11 0
mount -t tmpfs nothing /sys/hypervisor
tap_fails "a machine without Xen is told" "this is no Xen domain" "$@"
tap_fails "also by simblk run" "or take the simulated world" \
    simblk run --world live --live-disk ram blkback/ram/info.scn
umount /sys/hypervisor
tap "none of them leaves a node of a frontend's" [ "$(nodes_of 51728)" = "$toolstacks" ]
