#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
#
# What the seeds of each target reach, in edges and features as libFuzzer counts them, may only
# grow: fuzz/floors has the figures of clang 14. A target without seeds is given twenty thousand
# inputs: what the first five thousand reach is chance. Code that goes takes its edges with it, so
# two of a hundred may be missing.
#
#     floor.sh FOLDER            fails where a target reaches less than fuzz/floors says
#     floor.sh FOLDER --raise    writes fuzz/floors anew where targets reach more
#
# FOLDER is where the programs lie, build/fuzz/fuzz.

set -euo pipefail
export LC_ALL=C

programs=${1:?where do the programs lie?}
floors=$(cd "$(dirname "$0")" && pwd)/floors
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

while read -r target edges features; do
    case $target in \#*) echo "$target $edges $features" >>"$work/floors" && continue ;; esac
    begins=(-runs=20000)
    if [ -d "$programs/seeds/$target" ]; then
        find "$programs/seeds/$target" -type f | sort | paste -s -d , >"$work/seeds"
        begins=(-runs=0 -seed_inputs=@"$work/seeds")
    fi
    "$programs/fuzz_$target" "${begins[@]}" -seed=1 -entropic=0 -rss_limit_mb=2048 \
        >"$work/log" 2>&1 || {
        tail -n 30 "$work/log"
        exit 1
    }
    read -r now_edges now_features < <(
        sed -n 's/^#[0-9]*\tDONE   cov: \([0-9]*\) ft: \([0-9]*\) .*/\1 \2/p' "$work/log")
    echo "$target: $now_edges edges ($edges), $now_features features ($features)"
    if [ $((now_edges * 100)) -lt $((edges * 98)) ] ||
        [ $((now_features * 100)) -lt $((features * 98)) ]; then
        echo "$target reaches less than before"
        bad=1
    fi
    echo "$target $((now_edges > edges ? now_edges : edges))" \
        "$((now_features > features ? now_features : features))" >>"$work/floors"
done <"$floors"
[ "${2:-}" != --raise ] || cp "$work/floors" "$floors"
exit $bad
