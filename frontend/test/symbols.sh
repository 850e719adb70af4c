#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The core needs nothing of its surroundings: its objects, linked to one, may leave undefined only
# the four memory functions that every compiler may call, and in the observed library the observer.
#
#     symbols.sh WORK_FILE ALLOWED,... OBJECT...

set -eu

combined=$1
allowed=$2
shift 2

[ $# -gt 0 ] || { echo "no objects given"; exit 1; }
ld -r -o "$combined" "$@"
# With position-independent code the linker itself adds the table's name.
unexpected=$(nm --undefined-only --format=posix "$combined" | cut -d ' ' -f 1 |
    grep -vx -e "$(echo "$allowed" | sed 's/,/\\|/g')" -e _GLOBAL_OFFSET_TABLE_ || true)
if [ -n "$unexpected" ]; then
    echo "undefined symbols beside $allowed:"
    echo "$unexpected"
    exit 1
fi
nm --defined-only --extern-only --format=posix "$combined" | cut -d ' ' -f 1 |
    grep -v '^blkfront_' >"$combined.names" || true
if [ -s "$combined.names" ]; then
    echo "global names that do not begin with blkfront_:"
    cat "$combined.names"
    exit 1
fi
echo "undefined: $(nm --undefined-only --format=posix "$combined" | cut -d ' ' -f 1 | tr '\n' ' ')"
