#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The Debian package: made by cpack, installed by dpkg into a root of its own, used from there, and
# removed, after which nothing is left.
#
#     debian.sh BUILD_DIR WORK_DIR CC

set -eu

build=$1
work=$2
cc=$3
here=$(cd "$(dirname "$0")" && pwd)

# dpkg gives files their owners.
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v fakeroot >/dev/null || { echo "neither root nor fakeroot: skipped"; exit 77; }
    as_root=fakeroot
fi
for tool in cpack dpkg-deb dpkg-shlibdeps file pkg-config; do
    command -v "$tool" >/dev/null || { echo "$tool not found: skipped"; exit 77; }
done

unset DESTDIR
rm -rf "$work"
mkdir -p "$work/root" "$work/admin/updates" "$work/admin/info" "$work/admin/triggers"
: >"$work/admin/status"
cpack --config "$build/CPackConfig.cmake" -B "$work/made" >"$work/cpack.log" 2>&1 || {
    cat "$work/cpack.log"
    exit 1
}
deb=$(echo "$work"/made/simblk_*.deb)

field() {
    dpkg-deb -f "$deb" "$1"
}
field Package | grep -qx simblk
field Section | grep -qx devel
field Depends | grep -q 'libc6 (>='
[ -n "$(field Description)" ]

dpkg_here() {
    $as_root dpkg --root="$work/root" --admindir="$work/admin" --force-not-root --force-depends \
        --force-bad-path --force-unsafe-io --log="$work/dpkg.log" "$@" >>"$work/dpkg.out" 2>&1 || {
        cat "$work/dpkg.out"
        exit 1
    }
}
dpkg_here -i "$deb"

simblk=$work/root/usr/bin/simblk
"$simblk" --version | grep -qx "simblk $(field Version)"
"$simblk" run --quiet "$work/root/usr/share/simblk/scenarios/conformance/read-only"

for shared in bash-completion/completions/simblk vim/vimfiles/syntax/simblk.vim \
    simblk/wireshark/simblk.lua; do
    [ -s "$work/root/usr/share/$shared" ] || { echo "no $shared"; exit 1; }
done

# Somebody who has installed it plugs in a frontend; it finds its scenarios by itself.
PKG_CONFIG_PATH=$work/root/usr/lib/pkgconfig
export PKG_CONFIG_PATH
# The words of pkg-config's answer are meant to be split.
# shellcheck disable=SC2046
"$cc" -std=gnu11 -O1 -shared -fPIC -o "$work/tiny.so" \
    "$here/../../../examples/tiny-frontend/tiny.c" $(pkg-config --cflags --libs simblk-shim)
cd "$work"
status=0
"$simblk" compare ./tiny.so >compared || status=$?
[ "$status" -eq 127 ] # of the habits of tiny one is to crash
grep -qE '^I17  read-only +[0-9]+ of [0-9]+ fail$' compared

dpkg_here -r simblk
left=$(find "$work/root" ! -type d)
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
