#!/bin/busybox sh
# shellcheck shell=sh
# SPDX-License-Identifier: ISC
#
# The first program of dom0 in the live rig: modules, file systems, xenstored, then the cases. What
# goes to /dev/ttyS1 is the result; the console has the rest.

/bin/busybox mkdir -p /proc /sys /dev /run/xenstored /run/xen /var/lib/xenstored /var/lib/xen \
    /var/log/xen /data /tmp
/bin/busybox --install -s /bin
export PATH=/live:/bin:/xen LD_LIBRARY_PATH=/lib
ln -s /run /var/run
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs data /data
echo 4 >/proc/sys/kernel/printk
for module in xen-privcmd xenfs xen-evtchn xen-gntdev loop configfs; do
    insmod /modules/$module.ko
done
# Pages that all frontends of this kernel may share at once; 1024 if nothing is said.
insmod /modules/xen-gntalloc.ko limit=16384
# Two ram disks of 16 MiB, and two of a GiB with sectors of 4096 bytes.
insmod /modules/brd.ko rd_nr=2 rd_size=16384
insmod /modules/null_blk.ko nr_devices=2 gb=1 bs=4096 memory_backed=1
insmod /modules/xen-blkback.ko max_queues=4
mount -t xenfs xenfs /proc/xen
xenstored --pid-file /run/xenstored.pid
# A frontend asks for its own domain's number, which dom0 is told by nobody.
xenstore-write /local/domain/0/domid 0 /local/domain/0/name Domain-0
# shellcheck source=/dev/null
. /lib.sh
echo "dom0 ready after $(cut -d ' ' -f 1 /proc/uptime) s"
# shellcheck source=/dev/null
. /cases.sh
tap_end
sync
poweroff -f
