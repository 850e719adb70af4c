#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The demonstration of docs/live-xen.md: one scenario against the real xen-blkback, with its trace.

cd /live || exit
export TMPDIR=/data
say "$(simblk run --world live --trace blkback/loop/read-write.scn |
    grep -vE ' (grant|grant-end|load|store|fence|page-alloc|page-free)  ' | cut -c 1-160)"
tap "a scenario passes against the real xen-blkback" \
    simblk run --world live blkback/loop/read-write.scn
