#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What blkfront.sh asks the kernel whose disk `simblk serve` is: to be read by a shell, or played
# with the name of a function and its arguments.

disk=/dev/xvde

# What serve has said, what the kernel has, how large the disk is.
told() { grep -q "^$1" /tmp/served; }
logged() { dmesg | grep -q "$1"; }
size_is() { [ "$(cat /sys/block/xvde/size)" = "$1" ]; }
read_at() { dd if=$disk of=/dev/null bs=4096 skip="$1" count=1 iflag=direct; }
write_at() { dd if=/dev/zero of=$disk bs=4096 seek="$1" count=1 oflag=direct; }
fails_with() { # words of the error, command...
    fails_words=$1
    shift
    ! "$@" 2>/tmp/error && grep "$fails_words" /tmp/error
}

# The rules that are broken and that are kept, of a report.
broken() { sed -n 's/^broken, .* first: \(I[0-9]*\) .*/\1/p' /tmp/served; }
kept() { sed -n 's/^kept: //p' /tmp/served | tr ' ' '\n'; }

if [ "${0##*/}" = kernel.sh ]; then
    # shellcheck source=/dev/null
    . /lib.sh
    "$@"
fi
