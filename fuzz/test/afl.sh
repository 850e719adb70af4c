#!/bin/sh
# SPDX-License-Identifier: ISC
#
# AFL++ for half a minute on a target, with our mutator: it starts, calls the mutator alone, and
# finds inputs that reach something new.
#
#     afl.sh ROOT MUTATOR WORK_DIR

set -eu
LC_ALL=C
export LC_ALL

root=$1
mutator=$2
work=$3

rm -rf "$work/out" "$work/in" "$work/found"
mkdir -p "$work/out" "$work/in"
env CC=afl-clang-fast CXX=afl-clang-fast++ CFLAGS="-O1 -g" LIB_FUZZING_ENGINE=-fsanitize=fuzzer \
    WORK="$work/build" OUT="$work/out" TARGETS=ring \
    sh "$root/fuzz/oss-fuzz/build.sh" >"$work/log" 2>&1 || {
    tail -n 40 "$work/log"
    echo "afl: build.sh has failed"
    exit 1
}
if nm "$work/build/simback/libsimback.a" | grep -q sancov ||
    ! nm "$work/build/frontend/libblkfront_observed.a" | grep -q sancov; then
    echo "afl: not what is to be explored is explored, or more"
    exit 1
fi
# Three seeds and nothing else: what more there is was found.
for seed in $(find "$work/build/fuzz/seeds/ring" -type f | sort | sed -n '3p;30p;60p'); do
    cp "$seed" "$work/in/"
done
# It insists on sanitizers' options of its own.
env -u ASAN_OPTIONS -u UBSAN_OPTIONS AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 \
    AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
    AFL_CUSTOM_MUTATOR_LIBRARY="$mutator" AFL_CUSTOM_MUTATOR_ONLY=1 SIMBLK_FUZZ_TARGET=ring \
    timeout -s INT 90 afl-fuzz -V 30 -m none -t 10000 -s 1 -i "$work/in" -o "$work/found" \
    -- "$work/out/fuzz_ring" >"$work/said" 2>&1 || {
    tail -n 40 "$work/said"
    echo "afl: afl-fuzz has failed"
    exit 1
}
inputs=$(find "$work/found/default/queue" -name 'id:*' | wc -l)
runs=$(sed -n 's/^execs_done *: *//p' "$work/found/default/fuzzer_stats")
echo "$runs runs, $inputs inputs kept"
[ "$runs" -gt 100 ] && [ "$inputs" -gt 5 ]
