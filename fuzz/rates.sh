#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
#
# How many inputs a second the targets play, beside a target that does nothing, built and run alike:
# sessions of libFuzzer with the mutator on, from the corpus in corpus/TARGET beside the programs,
# or else from the seeds. Rates are of the processor's time too, since a machine may have other
# work.
#
#     rates.sh FOLDER [SECONDS]        FOLDER: where the programs lie, build/fuzz/fuzz; default 60 s

set -euo pipefail
export LC_ALL=C

programs=${1:?where do the programs lie?}
seconds=${2:-60}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for target in empty ring store device; do
    [ -x "$programs/fuzz_$target" ] || {
        echo "rates.sh: no fuzz_$target in $programs; they are built by:" >&2
        echo "  cmake --preset fuzz && cmake --build build/fuzz" >&2
        exit 2
    }
done

stat() { # name
    sed -n "s/^stat::$1: *//p" "$work/log" | tail -n 1
}

# Sets units, rate (a second), cpu_rate (a second of the processor's), steps, memory.
session() { # target
    local target=$1 corpus=$programs/corpus/$1 cpu
    rm -rf "$work/corpus"
    mkdir -p "$work/corpus"
    [ -d "$corpus" ] || corpus=$programs/seeds/$target
    [ -d "$corpus" ] || corpus=$work/corpus
    TIMEFORMAT='%U %S'
    { time "$programs/fuzz_$target" -seed=1 -entropic=0 -max_total_time="$seconds" -timeout=30 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$work/" \
        "$work/corpus" "$corpus" >"$work/log" 2>&1; } 2>"$work/time" || {
        tail -n 30 "$work/log"
        echo "rates.sh: fuzz_$target has found something" >&2
        exit 1
    }
    read -r user system <"$work/time"
    cpu=$(awk -v u="$user" -v s="$system" 'BEGIN { print u + s }')
    units=$(stat number_of_executed_units)
    rate=$(stat average_exec_per_sec)
    cpu_rate=$(awk -v n="$units" -v t="$cpu" 'BEGIN { printf "%.0f", n / t }')
    steps=$(stat effective_steps_per_unit)
    memory=$(stat peak_rss_mb)
}

row='%-8s %10s %12s %14s %12s %12s %9s\n'
# The format is a constant of ours.
# shellcheck disable=SC2059
printf "$row" target inputs "inputs/s" "a cpu second" "of empty's" "steps/input" "RSS MiB"
for target in empty ring store device; do
    session "$target"
    [ "$target" != empty ] || empty=$cpu_rate
    # shellcheck disable=SC2059
    printf "$row" "$target" "$units" "$rate" "$cpu_rate" \
        "$(awk -v e="$empty" -v r="$cpu_rate" 'BEGIN { printf "1/%.0f", e / r }')" \
        "${steps:--}" "$memory"
done
