#!/bin/sh
# SPDX-License-Identifier: ISC
#
# A run is a function of the program alone: every scenario of a folder gives the same trace hash
# with each of the tools given (other compilers, with and without the observer, the same one again).
# Scenarios that change or count loads are left out: only the observer can play them.
#
#     hashes.sh FOLDER WORK_DIR TOOL TOOL...

set -eu
LC_ALL=C
export LC_ALL

folder=$1
work=$2
shift 2

command -v jq >/dev/null || { echo "jq not found: skipped"; exit 77; }
mkdir -p "$work"

load_step='\([a-z0-9]*: *\)\{0,1\}load .*'
loaded='expect .*loaded=.*'
find "$folder" -type f -name '*.scn' -exec grep -Lx -e "$load_step" -e "$loaded" {} + |
    sort >"$work/files"
[ -s "$work/files" ] || { echo "$folder: no scenario"; exit 1; }

first=
count=0
for tool in "$@"; do
    count=$((count + 1))
    # A scenario may fail here; its own test tells. xargs would turn that to an error of ours.
    # The names of scenario files hold no spaces.
    # shellcheck disable=SC2046
    "$tool" run --format json $(cat "$work/files") >"$work/$count.json" 2>"$work/$count.err" || true
    if ! jq -r '.cases[] | "\(.id) \(.hash) \(.events)"' "$work/$count.json" |
        sort >"$work/$count.hashes" || ! [ -s "$work/$count.hashes" ]; then
        echo "$tool: no report"
        cat "$work/$count.err"
        exit 1
    fi
    if [ -z "$first" ]; then
        first=$tool
    elif ! diff -u "$work/1.hashes" "$work/$count.hashes" >"$work/diff"; then
        echo "not the same run: $first (-) and $tool (+)"
        cat "$work/diff"
        exit 1
    fi
done
echo "$(wc -l <"$work/1.hashes") runs, the same with $count tools"
