#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What simblk says of the tiny frontend's habits: for each row of README.md the scenario must fail,
# by the row's rule, and with the words that report.txt holds.
#
#     report.sh SIMBLK TINY ROOT [--write]      --write writes report.txt anew

set -eu
LC_ALL=C
export LC_ALL

simblk=$1
tiny=$2
cd "$3/examples/tiny-frontend"
found=$(mktemp)
trap 'rm -f "$found"' EXIT
bad=0

# "| habit | I13 | `id` |" as "I13 id"
# shellcheck disable=SC2016
rows=$(sed -n 's/^| .* | \(I[0-9]*\) | `\([^`]*\)` |$/\1 \2/p' README.md)
while read -r rule id; do
    file=../../scenarios/conformance/${id%%\[*}.scn
    status=0
    text=$("$simblk" run --quiet --frontend "$tiny" --id "$id" "$file") || status=$?
    said=$(printf '%s\n' "$text" | sed -n '1s,\.\./\.\./scenarios/conformance/,,; 1p; 2s/^ */    /p')
    printf '%s\n' "$said" >>"$found"
    case $said in
    "FAIL $id:"*"$rule"[!0-9]*) ;;
    *)
        echo "$id does not fail by $rule (exit code $status)"
        bad=1
        ;;
    esac
done <<EOF
$rows
EOF

if [ "${4:-}" = --write ]; then
    cp "$found" report.txt
fi
diff report.txt "$found" || bad=1
[ -n "$rows" ] || bad=1
exit $bad
