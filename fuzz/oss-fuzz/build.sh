#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Builds the fuzz targets for an engine and a sanitizer that somebody else has chosen, as OSS-Fuzz,
# ClusterFuzzLite and AFL++ do: with their compilers and flags, and each target with its seeds,
# dictionary and options beside it.
#
#     CC CXX CFLAGS    compilers and flags: sanitizers and coverage are in these
#     LIB_FUZZING_ENGINE  what a target is linked with: a flag or an archive
#     OUT              where the targets go
#     WORK             where they are built; default: build/oss-fuzz
#     TARGETS          which; default: all

set -eu

root=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
: "${OUT:?is not set: where shall the targets go?}"
: "${LIB_FUZZING_ENGINE:?is not set: what shall a target be linked with?}"
CC=${CC:-clang}
CXX=${CXX:-$CC}
WORK=${WORK:-$root/build/oss-fuzz}
targets=${TARGETS:-device ring store loads backend language}

command -v "$CC" >/dev/null || {
    echo "build.sh: no compiler $CC" >&2
    exit 2
}
mkdir -p "$OUT" "$WORK"
OUT=$(cd "$OUT" && pwd)

# Engines may be written in C++.
cmake -S "$root" -B "$WORK" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG= \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="${CFLAGS:-}" -DBUILD_TESTING=OFF \
    -DSIMBLK_FUZZ=ON -DSIMBLK_FUZZ_ENGINE="$LIB_FUZZING_ENGINE" \
    -DCMAKE_C_LINK_EXECUTABLE="$CXX <FLAGS> <CMAKE_C_LINK_FLAGS> <LINK_FLAGS> <OBJECTS> \
-o <TARGET> <LINK_LIBRARIES>"
for target in $targets; do
    programs="${programs:-} fuzz_$target"
done
# A word a target.
# shellcheck disable=SC2086
cmake --build "$WORK" --parallel "$(getconf _NPROCESSORS_ONLN)" --target fuzz_seeds $programs

for target in $targets; do
    cp "$WORK/fuzz/fuzz_$target" "$OUT/"
    {
        echo "[libfuzzer]"
        echo "max_len = 4096"
        [ "$target" != language ] || echo "dict = fuzz_language.dict"
    } >"$OUT/fuzz_$target.options"
    [ -d "$WORK/fuzz/seeds/$target" ] || continue
    rm -f "$OUT/fuzz_${target}_seed_corpus.zip"
    (cd "$WORK/fuzz/seeds/$target" &&
        cmake -E tar cf "$OUT/fuzz_${target}_seed_corpus.zip" --format=zip .)
done
cp "$WORK/fuzz/seeds/language.dict" "$OUT/fuzz_language.dict"
