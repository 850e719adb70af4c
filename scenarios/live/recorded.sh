#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What real backends did in the scenarios beside, as it was recorded, against the simulated world:
# no difference, none that was forgotten, and docs/fidelity.md has a line for each. Needs no Xen.
#
#     recorded.sh SIMBLK FOLDER [--table]        --table prints the lines of docs/fidelity.md

set -eu
LC_ALL=C
export LC_ALL

simblk=$(realpath "$1")
cd "$2"
table=${3:-}
document=../../docs/fidelity.md
bad=0 count=0

complain() {
    echo "$*" >&2
    bad=1
}

# The lines of the classes: what was compared.
counted() {
    awk '/^#/ { next } { lines[$1]++ }
        END { split("front back device ring answers results", class, " ")
            for (i = 1; i in class; i++) printf " %d |", lines[class[i]] }' "$1"
}

for scenario in blkback/*/*.scn qdisk/*.scn; do
    kind=$(basename "$(dirname "$scenario")")
    name=$(basename "$scenario" .scn)
    record=recorded/$kind/$name.trace
    if [ ! -e "$record" ]; then
        complain "$scenario: was never recorded"
        continue
    fi
    count=$((count + 1))
    told=$("$simblk" diff --recorded "$record" "$scenario") || complain "$told"
    line="| $kind/$name | $(sed -n 's/^title *"\(.*\)"$/\1/p' "$scenario") |$(counted "$record")"
    if [ "$table" = --table ]; then
        echo "$line"
    elif ! grep -qxF "$line" "$document"; then
        complain "$document: has no line '$line'"
    fi
done
for record in recorded/*/*.trace; do
    kind=$(basename "$(dirname "$record")")
    name=$(basename "$record" .trace)
    [ -e "blkback/$kind/$name.scn" ] || [ -e "$kind/$name.scn" ] ||
        complain "$record: there is no such scenario any more"
done
[ "$count" -gt 0 ] || bad=1
[ "$table" = --table ] || [ $bad = 1 ] ||
    echo "$count recorded runs, the same in the simulated world"
exit $bad
