#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
#
# Fuzzes each target for an hour in all, over as many runs as it takes: what was done is added up in
# a file, and the next run goes on with the target that has had least, from the corpus so far. A
# target that has found something rests until the next run, and this one ends with 1.
#
#     hours.sh TOOL TOTALS [SECONDS [PIECE]]
#
# TOOL: simblk of the fuzz build. SECONDS: this run is over after so many, default 3600; PIECE: of
# one target at a time, default 300.

set -euo pipefail
export LC_ALL=C

tool=${1:?which simblk?}
totals=${2:?where is it added up?}
left=${3:-3600}
piece=${4:-300}
targets=(device ring store loads backend language)
declare -A resting=()
hour=3600
# "fuzz_ring: 123 inputs in 60 s (2 a second), ..., 0 found"
summary='s/^fuzz_([a-z]+): ([0-9]+) inputs in ([0-9]+) s .*, ([0-9]+) found$/\1 \3 \2 \4/p'

[ -f "$totals" ] || echo "# target seconds inputs finds" >"$totals"

seconds_of() { # target
    awk -v t="$1" '$1 == t { sum += $2 } END { print sum + 0 }' "$totals"
}

# Of those that lack something and do not rest the one that has had least.
next_target() {
    local target

    for target in "${targets[@]}"; do
        [ -n "${resting[$target]-}" ] || echo "$(seconds_of "$target") $target"
    done | sort -n -s | awk -v hour="$hour" 'NR == 1 && $1 < hour { print $2 }'
}

while [ "$left" -gt 0 ]; do
    least=$(next_target)
    [ -n "$least" ] || break
    [ "$piece" -le "$left" ] || piece=$left
    status=0
    said=$("$tool" fuzz "$least" --time "$piece" --keep) || status=$?
    echo "$said"
    echo "$said" | sed -n -E "$summary" >>"$totals"
    [ "$status" -le 1 ] || exit "$status"
    [ "$status" -eq 0 ] || resting[$least]=yes
    left=$((left - piece))
done
awk '!/^#/ { s[$1] += $2; n[$1] += $3; f[$1] += $4 }
    END { for (t in s) printf "%s: %d s, %d inputs, %d found\n", t, s[t], n[t], f[t] }' "$totals" |
    sort
[ "${#resting[@]}" -eq 0 ]
