#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Draws docs/ladder.svg: of a ladder that the tool prints, in which a rule is broken, the step that
# breaks it and all that bears the number of the request, as a picture for light and dark.
#
#     ladder.sh TOOL ROOT FILE [--check]
#
# TOOL is the tool over the frontend that drops the status of responses (simblk_careless). --check
# writes nothing: it tells whether FILE is what would be written.

set -eu
LC_ALL=C
export LC_ALL

tool=$1
root=$2
file=$3
scenario=scenarios/conformance/status/by-sector.scn
made=$(mktemp)
trap 'rm -f "$made" "$made.rows"' EXIT

cd "$root"
status=0
"$tool" show --ladder "$scenario" >"$made.rows" || status=$?
[ "$status" -eq 1 ] || {
    echo "ladder.sh: $tool breaks no rule in $scenario (exit code $status)" >&2
    exit 1
}
awk -v title="$scenario" -f docs/ladder.awk "$made.rows" >"$made"
if [ "${4:-}" = --check ]; then
    cmp "$made" "$file" || {
        echo "ladder.sh: $file is not what the tool prints now; the target ladder draws it" >&2
        exit 1
    }
else
    cat "$made" >"$file"
fi
