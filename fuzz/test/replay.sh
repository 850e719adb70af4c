#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Writes the seeds anew and replays them, the frozen byte programs and some awkward inputs: nothing
# may be found.
#
#     replay.sh TARGET MAKE_SEEDS REPLAY SCENARIOS WORK_DIR

set -eu

target=$1
make_seeds=$2
replay=$3
scenarios=$4
work=$5

rm -rf "$work"
mkdir -p "$work/seeds" "$work/awkward"

# How long no progress takes is the fuzzer's to say, not the program's.
printf 'world max_steps=5\nbackend linux\nconnect\nexpect rules\n' >"$work/awkward/impatient.scn"
"$make_seeds" "$target" "$work/seeds" "$scenarios" "$work/awkward"
rm "$work/awkward/impatient.scn"
: >"$work/awkward/empty"
printf '\377' >"$work/awkward/ff"
printf '\001\001' >"$work/awkward/nothing"
head -c 4096 /dev/zero >"$work/awkward/zeros"

"$replay" "$work/seeds" "$scenarios/test/frozen" "$work/awkward" >"$work/log"
tail -n 1 "$work/log"
