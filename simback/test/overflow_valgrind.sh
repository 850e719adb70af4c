#!/bin/sh
# SPDX-License-Identifier: ISC
#
# valgrind knows the edges of the world's objects: it complains of one byte behind and before an
# object of the kinds given, and of nothing inside.
#
#     overflow_valgrind.sh PROGRAM KIND...

set -eu
program=$1
shift

command -v valgrind >/dev/null || { echo "valgrind not found: skipped"; exit 77; }

status_of() {
    status=0
    valgrind --quiet --error-exitcode=9 --leak-check=no "$program" "$1" "$2" >/dev/null 2>&1 ||
        status=$?
    echo "$status"
}

for kind in "$@"; do
    for place in inside before behind; do
        status=$(status_of "$kind" "$place")
        [ "$status" -ne 77 ] || { echo "built without valgrind's headers: skipped"; exit 77; }
        wanted=9
        [ "$place" != inside ] || wanted=0
        if [ "$status" -ne "$wanted" ]; then
            echo "kind $kind, $place: valgrind ends with $status instead of $wanted"
            exit 1
        fi
    done
done
