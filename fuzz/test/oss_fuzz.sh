#!/bin/sh
# SPDX-License-Identifier: ISC
#
# build.sh with the variables that OSS-Fuzz sets, and its targets looked at as the check for bad
# builds there does: each starts, is explored, is built with the one sanitizer, and falls over none
# of its own seeds.
#
#     oss_fuzz.sh ROOT WORK_DIR

set -eu
LC_ALL=C
export LC_ALL

root=$1
work=$2
targets="ring loads backend language" # each way of being built once; all of them take minutes

complain() {
    echo "oss-fuzz: $*"
    exit 1
}

rm -rf "$work/out" "$work/beside"
mkdir -p "$work/out"
env CC=clang CXX=clang++ WORK="$work/build" OUT="$work/out" TARGETS="$targets" \
    CFLAGS="-O1 -fno-omit-frame-pointer -gline-tables-only -fsanitize=address \
-fsanitize-address-use-after-scope -fsanitize=fuzzer-no-link" \
    LIB_FUZZING_ENGINE=-fsanitize=fuzzer sh "$root/fuzz/oss-fuzz/build.sh" >"$work/log" 2>&1 || {
    tail -n 40 "$work/log"
    complain "build.sh has failed"
}

for target in $targets; do
    program=$work/out/fuzz_$target
    "$program" -seed=1337 -runs=4 >"$work/started" 2>&1 || complain "$target does not start"
    grep -q "Done 4 runs" "$work/started" || complain "$target has not made its runs"
    edges=$(sed -n 's/^INFO: Loaded .*(\([0-9]*\) inline 8-bit counters).*/\1/p' "$work/started")
    [ "${edges:-0}" -ge 100 ] || complain "$target has ${edges:-no} counters"
    # The same but for the frontend, which is compiled in another way: its edges are counted, too.
    [ "$target" != ring ] || edges_of_ring=$edges
    [ "$target" != loads ] || [ $((edges * 10)) -ge $((edges_of_ring * 9)) ] ||
        complain "loads has $edges counters, ring $edges_of_ring"
    calls=$(objdump -d "$program" | grep -cE 'call.* <__asan' || true)
    [ "$calls" -ge 1000 ] || complain "$target is not built with AddressSanitizer"
    calls=$(objdump -d "$program" | grep -cE 'call.* <__ubsan_handle' || true)
    [ "$calls" -le 200 ] || complain "$target is built with a second sanitizer"
    grep -q '^max_len = ' "$program.options" || complain "$target has no options"
    [ -f "${program}_seed_corpus.zip" ] || continue
    rm -rf "$work/seeds"
    mkdir -p "$work/seeds"
    (cd "$work/seeds" && cmake -E tar xf "${program}_seed_corpus.zip")
    [ -n "$(ls "$work/seeds")" ] || complain "$target has an archive without seeds"
    "$program" -runs=0 -rss_limit_mb=2560 -timeout=25 "$work/seeds" >"$work/started" 2>&1 || {
        tail -n 40 "$work/started"
        complain "$target falls over a seed of its own"
    }
done
[ -f "$work/out/fuzz_ring_seed_corpus.zip" ] || complain "there are no seeds for ring"
"$work/out/fuzz_language" -dict="$work/out/fuzz_language.dict" -runs=4 >"$work/started" 2>&1 ||
    complain "the dictionary is none"

# Counted is what an input shall explore, and nothing else of ours.
counts() {
    nm "$1" | grep -q sancov
}
for library in frontend/libblkfront_observed.a fuzz/libblkfront_announced.a \
    simback/libsimback_explored.a fuzz/libscenario_language_explored.a; do
    counts "$work/build/$library" || complain "$library is not explored"
done
for library in simback/libsimback.a scenarios/libscenario.a scenarios/libscenario_language.a; do
    if counts "$work/build/$library"; then
        complain "$library is explored"
    fi
done

# Paths may be relative.
(cd "$work" && env CC=clang CXX=clang++ WORK="$work/build" OUT=beside TARGETS=ring \
    CFLAGS="-O1 -fno-omit-frame-pointer -gline-tables-only -fsanitize=address \
-fsanitize-address-use-after-scope -fsanitize=fuzzer-no-link" \
    LIB_FUZZING_ENGINE=-fsanitize=fuzzer sh "$root/fuzz/oss-fuzz/build.sh" >"$work/log" 2>&1) ||
    complain "build.sh takes no relative OUT"
[ -f "$work/beside/fuzz_ring_seed_corpus.zip" ] || complain "the seeds are not where OUT says"

# What is missing is told.
if env -u OUT LIB_FUZZING_ENGINE=x sh "$root/fuzz/oss-fuzz/build.sh" 2>"$work/started"; then
    complain "build.sh builds without OUT"
fi
grep -q 'OUT' "$work/started" || complain "build.sh does not name what is not set"
if env CC=no-compiler OUT="$work/out" LIB_FUZZING_ENGINE=x \
    sh "$root/fuzz/oss-fuzz/build.sh" 2>"$work/started"; then
    complain "build.sh builds without a compiler"
fi
grep -q 'no compiler no-compiler' "$work/started" || complain "the missing compiler is not named"
