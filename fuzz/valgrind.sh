#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
#
# Replays the inputs of every target under valgrind: seeds and what fuzzing has kept. It takes long,
# so it may be interrupted and called again: inputs that were clean with the program as it is are
# remembered by their hashes. Two processes at a time, so many inputs each.
#
#     valgrind.sh PROGRAMS DONE CORPORA...
#
# PROGRAMS: where fuzz_TARGET_replay lies, built without sanitizers. DONE: the folder in which is
# remembered. CORPORA: folders with a folder for each target; those that are not there are left out.

set -euo pipefail
export LC_ALL=C

lanes=2
inputs=100

# One process, called below: the hashes and files of one target.
if [ "$1" = --piece ]; then
    piece=$2 program=$3 remembered=$4
    mapfile -t files < <(cut -d ' ' -f 3- "$piece")
    if valgrind --quiet --error-exitcode=9 "$program" "${files[@]}" >"$piece.out" 2>&1; then
        cut -d ' ' -f 1 "$piece" >>"$remembered"
        exit 0
    fi
    tail -n 60 "$piece.out"
    exit 1
fi

programs=${1:?where do the programs lie?}
remember=${2:?where is remembered what was clean?}
shift 2
command -v valgrind >/dev/null || { echo "valgrind.sh: there is no valgrind" >&2; exit 2; }
mkdir -p "$remember"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

failed=0
for target in device ring store loads backend language canary; do
    program=$programs/fuzz_${target}_replay
    remembered=$remember/$target-$(cksum <"$program" | cut -d ' ' -f 1)
    folders=()
    for corpora in "$@"; do
        [ ! -d "$corpora/$target" ] || folders+=("$corpora/$target")
    done
    if [ ${#folders[@]} -eq 0 ]; then
        echo "fuzz_$target: no inputs"
        continue
    fi
    touch "$remembered"
    find "${folders[@]}" -type f -exec sha1sum {} + | sort -u -k 1,1 >"$work/all"
    awk 'FILENAME == ARGV[1] { done[$1]; next } !($1 in done)' \
        "$remembered" "$work/all" >"$work/left"
    rm -f "$work/piece."*
    split -l "$inputs" -a 4 "$work/left" "$work/piece."
    find "$work" -name 'piece.*' | sort |
        xargs -r -P "$lanes" -I '{}' bash "$0" --piece '{}' "$program" "$remembered" || failed=1
    echo "fuzz_$target: $(wc -l <"$remembered") of $(wc -l <"$work/all") inputs clean"
done
exit "$failed"
