#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Every row of docs/protocol.md is named by a scenario ("about [N4] ..."), or excused with a reason
# in docs/conformance.md, ten rows at most; and no scenario names a row that is not there.
#
#     protocol.sh ROOT [--table]        --table prints each row and the scenarios that name it

set -eu
LC_ALL=C
export LC_ALL

cd "$1"
mode=${2:-}
excused_most=10

# What awk is to expand, not the shell.
# shellcheck disable=SC2016
find scenarios/conformance scenarios/regression -type f -name '*.scn' 2>/dev/null | sort |
    xargs awk '
    $1 == "about" && match($0, /\[[A-Z0-9 ]+\]/) {
        count = split(substr($0, RSTART + 1, RLENGTH - 2), codes, " ")
        for (i = 1; i <= count; i++)
            print codes[i], FILENAME
    }' |
    awk -v mode="$mode" -v most="$excused_most" '
    FILENAME == "-" { named[$1] = named[$1] "\n     " $2; next }
    !/^\| [A-Z][0-9]+ \|/ { next }
    FILENAME ~ /protocol/ { rows[++row_count] = $2; text[$2] = $0; next }
    { excused[$2] = 1; excuses++ }
    function complain(what) { print what; bad = 1 }
    END {
        for (i = 1; i <= row_count; i++) {
            row = rows[i]
            if (row in seen) complain("docs/protocol.md: " row " stands there twice")
            seen[row] = 1
            if (mode == "--table") print row ": " (row in named ? named[row] : "nothing")
            if (!(row in named) && !(row in excused))
                complain(row ": no scenario is about it, and it is not excused: " text[row])
            if ((row in named) && (row in excused))
                complain(row ": excused in docs/conformance.md, but a scenario is about it")
        }
        if (row_count == 0) complain("docs/protocol.md: no rows")
        for (row in named)
            if (!(row in seen)) complain(row ": no such row in docs/protocol.md:" named[row])
        for (row in excused)
            if (!(row in seen)) complain("docs/conformance.md: no row " row " to excuse")
        if (excuses > most)
            complain("docs/conformance.md: " excuses " rows are excused, " most " may be")
        exit bad
    }' - docs/protocol.md docs/conformance.md
