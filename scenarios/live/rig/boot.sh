#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Boots the real Xen with Debian's kernel as its dom0 in QEMU, without any special hardware and
# without being root, and plays cases there against real block backends. Prints TAP.
#
#     boot.sh [-c CPUS] [-t SECONDS] WORK CASES FILE...
#
# WORK is where packages and the initial RAM disk are kept; CASES a shell script that lib.sh plays
# in dom0; each FILE, NAME=FILE or directory lies beside it there, programs with their libraries.
# 0: all passed; 1: not so, or no end was seen; 77: what it needs is not to be had, and what.

set -eu
LC_ALL=C
export LC_ALL

cpus=1 limit=220
while getopts c:t: option; do
    case $option in
    c) cpus=$OPTARG ;;
    t) limit=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
work=$1 cases=$2
shift 2

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$work"
work=$(cd "$work" && pwd)
# One boot at a time: the folder is one.
exec 9>"$work/lock"
flock 9
sh "$here/packages.sh" "$work"
read -r release kernel <"$work/versions"

# ---- what dom0 finds ----

root=$work/root guest=$work/guest
modules=$root/lib/modules/$kernel/kernel
rm -rf "$guest"
mkdir -p "$guest/bin" "$guest/xen" "$guest/modules" "$guest/lib" "$guest/lib64" "$guest/live"
cp "$root/bin/busybox" "$guest/bin/"
for module in fs/configfs/configfs drivers/xen/xen-privcmd drivers/xen/xenfs/xenfs \
    drivers/xen/xen-evtchn drivers/xen/xen-gntdev drivers/xen/xen-gntalloc drivers/block/loop \
    drivers/block/brd drivers/block/null_blk/null_blk drivers/block/xen-blkfront \
    drivers/block/xen-blkback/xen-blkback lib/crc16 crypto/crc32c_generic fs/mbcache \
    fs/jbd2/jbd2 fs/ext4/ext4; do
    cp "$modules/$module.ko" "$guest/modules/"
done
cp "$root/usr/lib/xen-$release/bin/xenstored" "$root/usr/lib/xen-$release/bin/lsevtchn" \
    "$root/usr/bin/xenstore" "$root/usr/libexec/xen-qemu-system-i386" "$guest/xen/"
for tool in read write ls rm list watch exists; do
    ln -s xenstore "$guest/xen/xenstore-$tool"
done
cp "$here/init.sh" "$guest/init"
chmod +x "$guest/init"
cp "$here/lib.sh" "$guest/"
cp "$cases" "$guest/cases.sh"
for file; do
    case $file in
    *=*) cp -rL "${file#*=}" "$guest/live/${file%%=*}" ;;
    *) cp -rL "$file" "$guest/live/" ;;
    esac
done

# The libraries of what runs there. libxenstore ends its reader by pthread_cancel, which loads
# libgcc_s when it is called: ldd does not know of it.
libraries=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu
find "$guest/xen" "$guest/live" -type f -perm -u+x |
    while read -r program; do
        LD_LIBRARY_PATH=$libraries ldd "$program" 2>/dev/null || true
    done | awk '$3 ~ /^\// { print $3 } $1 ~ /\/ld-linux/ { print $1 }
        /not found/ { print "live rig: " $1 " not found" >"/dev/stderr" }' | sort -u |
    while read -r library; do
        case $library in
        */ld-linux*) cp -L "$library" "$guest/lib64/" ;;
        *) cp -L "$library" "$guest/lib/" ;;
        esac
    done
cp -L "$(${CC:-gcc} -print-file-name=libgcc_s.so.1)" "$guest/lib/"
(cd "$guest" && find . | "$root/bin/busybox" cpio -o -H newc) 2>/dev/null >"$work/initrd"

# ---- boot ----

# The plainest processor: no smap, which this emulation gets wrong where a paravirtual kernel
# returns to user mode, and little to save at a switch between processes. What hides from a
# processor that guesses ahead costs an emulated one, which does not guess. Emulated alone, no KVM:
# so a plain machine and a CI runner behave the same. One processor: two take three times of ours.
threads=
[ "$cpus" = 1 ] || threads=,thread=multi
rm -f "$work/result"
status=0
# A small disk of time: the boot is cut off when it is over, and what was told so far is shown.
timeout -k 5 "$limit" qemu-system-x86_64 -accel tcg$threads -cpu qemu64 \
    -smp "$cpus" -m 1152 -display none -nodefaults -no-reboot \
    -serial stdio -serial "file:$work/result" -kernel "$work/xen" \
    -append "console=com1 com1=115200,8n1 loglvl=warning guest_loglvl=warning \
dom0_mem=768M,max:768M spec-ctrl=no xpti=no bootscrub=0" \
    -initrd "$work/vmlinux console=hvc0 quiet panic=1 mitigations=off,$work/initrd" \
    </dev/null >"$work/console" 2>&1 || status=$?

tr -d '\r' <"$work/result" 2>/dev/null || true
if ! grep -q '^1\.\.' "$work/result" 2>/dev/null; then
    echo "Bail out! dom0 has not come to the end (QEMU: $status); its console ends:"
    tail -n 40 "$work/console" | tr -d '\r' | sed 's/^/# /'
    exit 1
fi
# Whether the kernel had anything to say is told beside the verdict.
grep -aE 'BUG|Oops|Call Trace' "$work/console" | sed 's/^/# console: /' || true
! grep -q '^not ok' "$work/result"
