#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Downloads and unpacks what the live rig boots: Xen, Debian's kernel, xenstored and its tools, a
# shell, QEMU's block backend. Nothing is installed, so no boot loader of this machine hears of it.
# What is there already is not fetched again.
#
#     packages.sh WORK        77: not to be had, and why; then nothing is half done
#
# In WORK: root/ (the packages unpacked), xen (the hypervisor), vmlinux (dom0's kernel), versions.

set -eu
LC_ALL=C
export LC_ALL

work=$1
mkdir -p "$work/debs" "$work/root"

skip() {
    echo "live rig: $*" >&2
    exit 77
}

for tool in qemu-system-x86_64 apt-get dpkg-deb xz; do
    command -v "$tool" >/dev/null ||
        skip "no $tool here (Debian: apt-get install qemu-system-x86 xz-utils)"
done
[ "$(uname -m)" = x86_64 ] || skip "this machine is no x86_64"

# The packages of an earlier run serve also when apt is out of reach.
if [ ! -s "$work/versions" ]; then
    # After an apt-get update of long ago a package may have gone: once more with new lists.
    for try in 1 2; do
        hypervisor=$(apt-cache search --names-only '^xen-hypervisor-[0-9.]+-amd64$' |
            cut -d ' ' -f 1 | sort -V | tail -n 1)
        kernel=$(apt-cache depends linux-image-amd64 2>/dev/null |
            sed -n 's/.*Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
        [ -z "$hypervisor" ] || [ -z "$kernel" ] || break
        [ "$try" = 2 ] || apt-get -o DPkg::Lock::Timeout=300 -qq update >/dev/null 2>&1 || true
    done
    [ -n "$hypervisor" ] || skip "apt knows no xen-hypervisor (apt-get update?)"
    [ -n "$kernel" ] || skip "apt knows no linux-image-amd64 (apt-get update?)"
    release=${hypervisor#xen-hypervisor-}
    release=${release%-amd64}
    echo "$release ${kernel#linux-image-}" >"$work/versions.new"
else
    read -r release kernel <"$work/versions"
    hypervisor=xen-hypervisor-$release-amd64
    kernel=linux-image-$kernel
    cp "$work/versions" "$work/versions.new"
fi

needed="$hypervisor $kernel xen-utils-$release xenstore-utils libxenmisc$release busybox-static
    libxenstore4 libxengnttab1 libxenevtchn1 libxencall1 libxenforeignmemory1 libxendevicemodel1
    libxentoolcore1 libxentoollog1 libxenhypfs1 libyajl2 qemu-system-xen"

unpack() { # package, its file
    case $1 in
    linux-image-*) # four of its four hundred MiB
        dpkg-deb --fsys-tarfile "$2" | tar -x -C "$work/root" --wildcards './boot/vmlinuz-*' \
            './lib/modules/*/kernel/drivers/xen/*' './lib/modules/*/kernel/drivers/block/*' \
            './lib/modules/*/kernel/fs/configfs/*' './lib/modules/*/kernel/fs/ext4/*' \
            './lib/modules/*/kernel/fs/jbd2/*' './lib/modules/*/kernel/fs/mbcache.ko' \
            './lib/modules/*/kernel/lib/crc16.ko' \
            './lib/modules/*/kernel/crypto/crc32c_generic.ko' ;;
    *) dpkg-deb -x "$2" "$work/root" ;;
    esac
}

# What an older list did not unpack of the kernel.
[ -e "$work/root/lib/modules/${kernel#linux-image-}/kernel/fs/ext4/ext4.ko" ] ||
    rm -f "$work/root/.$kernel"
for package in $needed; do
    [ ! -e "$work/root/.$package" ] || continue
    rm -f "$work/debs/${package}"_*.deb
    (cd "$work/debs" && apt-get -q download "$package") >"$work/download.log" 2>&1 ||
        skip "$package cannot be downloaded: $(tail -n 1 "$work/download.log")"
    unpack "$package" "$(find "$work/debs" -name "${package}_*.deb")"
    rm -f "$work/debs/${package}"_*.deb
    touch "$work/root/.$package"
done

# Both as plain ELF files: what is packed takes seconds to unpack under emulation.
gunzip -c "$work/root/boot/$(cd "$work/root/boot" && echo xen-"$release"-amd64.gz)" >"$work/xen"
image=$work/root/boot/vmlinuz-${kernel#linux-image-}
offset=$(grep -abo -m 1 -P '\xfd7zXZ\x00' "$image" | head -n 1 | cut -d : -f 1)
# What follows the packed kernel is no error of ours.
tail -c +$((offset + 1)) "$image" | xz -dcq >"$work/vmlinux" 2>/dev/null || true
[ "$(head -c 4 "$work/vmlinux" | tail -c 3)" = ELF ] || cp "$image" "$work/vmlinux"
mv "$work/versions.new" "$work/versions"
