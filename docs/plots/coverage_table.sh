#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Puts the figures of a coverage build, whose gate (.ci/coverage) has been judged, into
# docs/coverage.md.
#
#     coverage_table.sh ROOT BUILD_DIR

set -eu
LC_ALL=C
export LC_ALL

root=$1
build=$2
page=$root/docs/coverage.md
at=$(mktemp)
trap 'rm -f "$at"' EXIT

part() { # hit, all
    awk -v hit="$1" -v all="$2" 'BEGIN { printf "%d of %d | %.1f %%", hit, all, hit * 100 / all }'
}

{
    echo "| folder | lines | | branches | |"
    echo "|---|---:|---:|---:|---:|"
    for folder in frontend/src frontend/platform simback/src scenarios/src; do
        info=$build/$(echo "$folder" | tr / -).info
        [ -s "$info" ] || {
            echo "$info is not there: sh .ci/coverage $build ..." >&2
            exit 1
        }
        # Counts, one a word.
        # shellcheck disable=SC2046
        set -- $(awk -F : '{ sum[$1] += $2 }
            END { print sum["LH"] + 0, sum["LF"] + 0, sum["BRH"] + 0, sum["BRF"] + 0 }' "$info")
        echo "| $folder | $(part "$1" "$2") | $(part "$3" "$4") |"
    done
} >"$at"
awk -v file="$at" '
    $0 == "<!-- coverage -->" {
        print
        while ((getline line <file) > 0)
            print line
        inside = 1
        next
    }
    $0 == "<!-- end -->" { inside = 0 }
    !inside' "$page" >"$at.page"
mv "$at.page" "$page"
