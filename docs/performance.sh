#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Measures, and writes what came of it into docs/performance.md, between its marks; then README.md's
# figures are taken from there, and the plots are drawn anew.
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

# Before an hour is spent in vain, and the page is half of now and half of then.
for tool in jq nbdkit fio qemu-nbd; do
    command -v "$tool" >/dev/null || {
        echo "performance.sh: $tool is not there" >&2
        exit 77
    }
done

# The text between the mark and its end becomes the file's.
put() { # mark, file
    awk -v mark="<!-- $1 -->" -v file="$2" '
        $0 == mark { print; while ((getline line <file) > 0) print line; inside = 1; next }
        $0 == "<!-- end -->" { inside = 0 }
        !inside' "$page" >"$at/page"
    cp "$at/page" "$page"
}

table() { # json
    echo "| row | rules | requests/s | yardstick/s | ratio | empty ring/s | times |" \
        "notifications | copies |"
    echo "|---|---|---:|---:|---:|---:|---:|---:|---:|"
    jq -r '.rows[] | [.row, .rules, .requests_per_second, .yardstick_per_second,
        .ratio, .empty_per_second, .times_empty_and_copy, .notifications, .copies_per_byte] |
        "| " + (map(tostring) | join(" | ")) + " |"' "$1"
}

growth() { # json
    echo "| devices | sectors of each disk | blocks touched | KiB in all |"
    echo "|---:|---:|---:|---:|"
    jq -r '.growth[] | [.devices, .sectors, .blocks_touched, (.bytes / 1024 | round)] |
        "| " + (map(tostring) | join(" | ")) + " |"' "$1"
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
growth "$at/stepped.json" >"$at/growth"
put growth "$at/growth"

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

sh "$root/docs/figures.sh" "$root" --write

if command -v gnuplot >/dev/null; then
    sh "$root/docs/plots/plots.sh" "$root" "$root/docs" performance performance-stepped
else
    echo "The plots stay as they were: gnuplot is missing (Debian: gnuplot-nox)."
fi
