#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Measures, and writes what came of it into docs/performance.md, between its marks, and into
# docs/performance.svg.
#
#     performance.sh ROOT SIMBLK PLUGIN [SOAK_TOTAL]
#
# SOAK_TOTAL: what `simblk soak --total` wrote; without it that part stays.
#
# In the environment, for a run that is only to be quick: BENCH, options of `simblk bench`, and
# PEERS, the seconds for each peer.

set -eu
LC_ALL=C
export LC_ALL

root=$1 simblk=$2 plugin=$3 total=${4-}
options=${BENCH-}
page=$root/docs/performance.md
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT

# The text between the mark and its end becomes the file's.
put() { # mark, file
    awk -v mark="<!-- $1 -->" -v file="$2" '
        $0 == mark { print; while ((getline line <file) > 0) print line; inside = 1; next }
        $0 == "<!-- end -->" { inside = 0 }
        !inside' "$page" >"$at/page"
    cp "$at/page" "$page"
}

table() { # json
    echo "| row | rules | requests/s | yardstick/s | ratio | notifications | copies |"
    echo "|---|---|---:|---:|---:|---:|---:|"
    jq -r '.rows[] | [.row, .rules, .requests_per_second, .yardstick_per_second,
        .ratio, .notifications, .copies_per_byte] | "| " + (map(tostring) | join(" | ")) + " |"' \
        "$1"
}

{
    echo "Measured on $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
        "$(getconf _NPROCESSORS_ONLN) processors, Linux $(uname -r)," \
        "load average $(cut -d ' ' -f 1 /proc/loadavg) before it began."
    awk -v processors="$(getconf _NPROCESSORS_ONLN)" '$1 > processors / 2 {
        print "So the machine had other things to do: the rows of two threads and more tell" \
            " most of that."
    }' /proc/loadavg
} >"$at/machine"
put machine "$at/machine"

# The options are words.
# shellcheck disable=SC2086
"$simblk" bench $options --json >"$at/stepped.json"
table "$at/stepped.json" >"$at/stepped"
put stepped "$at/stepped"

# shellcheck disable=SC2086
"$simblk" bench $options --world threads --json >"$at/threads.json"
table "$at/threads.json" >"$at/threads"
put threads "$at/threads"

sh "$root/scenarios/nbdkit/peers.sh" "$simblk" "$plugin" "${PEERS-}" >"$at/peers"
put peers "$at/peers"

if [ -n "$total" ]; then
    awk '{
        for (i = 1; i <= NF; i++) {
            split($i, pair, "=")
            sum[pair[1]] += pair[2]
        }
    } END {
        printf "| requests | reads | writes | flushes | connections that ended | hours |\n"
        printf "|---:|---:|---:|---:|---:|---:|\n"
        printf "| %d | %d | %d | %d | %d | %.2f |\n", sum["requests"], sum["reads"],
            sum["writes"], sum["flushes"],
            sum["disconnected"] + sum["closed"] + sum["crashed"] + sum["cut"] + NR,
            sum["seconds"] / 3600
    }' "$total" >"$at/soak"
    put soak "$at/soak"
fi

# ---- the plot: both axes logarithmic ----

jq -r '.rows[] | select(.row | test("^read .*, depth")) |
    (.row | capture("^read (?<size>[0-9]+ [KMiB]+), depth (?<depth>[0-9]+)$")) as $at |
    "\($at.size)\t\($at.depth)\t\(.requests_per_second)"' "$at/threads.json" |
    awk -F '\t' '
function x(depth) { return 80 + log(depth) / log(256) * 440 }
function y(rate) { return 330 - (log(rate) / log(10) - 3) / 4 * 300 }
BEGIN {
    split("#1b6ca8 #c0392b #27803a #7d3c98", colour, " ")
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 380\"" \
        " font-family=\"sans-serif\" font-size=\"12\">"
    print "<rect width=\"640\" height=\"380\" fill=\"white\"/>"
    for (power = 3; power <= 7; power++) {
        at = y(10 ^ power)
        printf "<line x1=\"80\" x2=\"520\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", at, at
        printf "<text x=\"72\" y=\"%.1f\" text-anchor=\"end\">10^%d</text>\n", at + 4, power
    }
    split("1 32 256", depths, " ")
    for (i = 1; i <= 3; i++)
        printf "<text x=\"%.1f\" y=\"350\" text-anchor=\"middle\">%d</text>\n", x(depths[i]),
            depths[i]
    print "<text x=\"300\" y=\"370\" text-anchor=\"middle\">requests in flight</text>"
    print "<text x=\"16\" y=\"18\">random reads a second, threaded world</text>"
}
{
    if (!($1 in points))
        order[++sizes] = $1
    points[$1] = points[$1] sprintf(" %.1f,%.1f", x($2), y($3))
    last_x[$1] = x($2)
    last_y[$1] = y($3)
}
END {
    for (i = 1; i <= sizes; i++) {
        printf "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"%s\"/>\n",
            colour[i], substr(points[order[i]], 2)
        printf "<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\">%s</text>\n", last_x[order[i]] + 8,
            last_y[order[i]] + 4, colour[i], order[i]
    }
    print "</svg>"
}' >"$at/plot"
cp "$at/plot" "$root/docs/performance.svg"
