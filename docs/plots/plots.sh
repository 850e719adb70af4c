#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Draws the tables of docs/ with gnuplot: FOLDER/NAME.svg of each NAME.gnuplot beside this file. A
# plot is a function of its table and of gnuplot's version, which stands in it; nothing is measured
# here.
#
#     plots.sh ROOT FOLDER [NAME...]

set -eu
LC_ALL=C
export LC_ALL

root=$1
folder=$2
shift 2
[ $# -gt 0 ] || set -- performance performance-stepped mutants coverage

command -v gnuplot >/dev/null || {
    echo "plots: gnuplot is missing (Debian: gnuplot-nox)" >&2
    exit 1
}

at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT

# The cells of the rows between a page's mark and its end, tabs between them; no head, no rule.
rows() { # page, mark
    awk -v mark="<!-- $2 -->" '
        $0 == mark { inside = 1; next }
        $0 == "<!-- end -->" { inside = 0 }
        !inside || !/^\| / { next }
        {
            gsub(/\\\|/, "/")
            gsub(/^\| *| *\|$/, "")
            gsub(/ *\| */, "\t")
            print
        }' "$root/docs/$1.md"
}

# What gnuplot reads; two empty lines end a data set.
data_of() { # name
    case $1 in
    performance)
        # "read 4 KiB, depth 32": a data set for each size, of depth and rate.
        rows performance threads | awk -F '\t' '
            $1 ~ /^read .*, depth [0-9]+$/ {
                size = depth = $1
                sub(/^read /, "", size)
                sub(/,.*/, "", size)
                sub(/.*depth /, "", depth)
                if (size != before)
                    printf "%s\"%s\"\n", before == "" ? "" : "\n\n", size
                before = size
                print depth, $3
            }'
        ;;
    performance-stepped)
        # The ratio without rules and with all of them.
        rows performance stepped | awk -F '\t' '
            $2 == "none" { order[++count] = $1; none[$1] = $5 }
            $2 == "all" { all[$1] = $5 }
            END {
                for (i = 1; i <= count; i++)
                    printf "\"%s\" %s %s\n", order[i], none[order[i]], all[order[i]]
            }'
        ;;
    mutants)
        # What killed how many of the seeded ones, in percent; and generic ones by their change.
        rows mutants seeded | awk -F '\t' '
            $2 ~ / of / && $3 ~ / %$/ && $1 !~ /^a crash/ {
                sub(/, .*| alone$/, "", $1)
                sub(/ %/, "", $3)
                printf "\"%s\" %s\n", $1, $3
            }'
        printf '\n\n'
        rows mutants generic | awk -F '\t' '
            $1 == "change" { inside = 1; next }
            $1 == "survivor" { inside = 0 }
            inside { printf "\"%s\" %d %d\n", $1, $2 - $3, $3 }'
        ;;
    coverage)
        rows coverage coverage | awk -F '\t' '
            $2 ~ /^[0-9]+ of [0-9]+$/ {
                split($2, lines, " of ")
                split($4, branches, " of ")
                printf "\"%s\" %.2f %.2f\n", $1, lines[1] * 100 / lines[2],
                    branches[1] * 100 / branches[2]
            }'
        ;;
    *)
        echo "plots: there is no plot '$1'" >&2
        exit 1
        ;;
    esac
}

for name in "$@"; do
    data_of "$name" >"$at/$name.dat"
    grep -q . "$at/$name.dat" || {
        echo "plots: docs/ has no table for $name" >&2
        exit 1
    }
    gnuplot -e "data = '$at/$name.dat'; to = '$at/$name.svg'" "$root/docs/plots/$name.gnuplot"
    cp "$at/$name.svg" "$folder/$name.svg"
done
