#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
#
# What the corpora reach, line by line: an HTML report of frontend/ and simback/ by llvm-cov, of the
# seeds and of what a fuzzer has added to them.
#
#     coverage.sh [FOLDER]        FOLDER: with corpus/TARGET, build/fuzz/fuzz if there is one
#
# The report is build/fuzz-coverage/html/index.html.

set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/.." && pwd)
kept=${1:-$root/build/fuzz/fuzz}
build=$root/build/fuzz-coverage
targets=(device ring store loads backend)

tool() { # name: as it is called here
    local found
    found=$(compgen -c | grep -xE "$1(-[0-9]+)?" | sort -V | tail -n 1)
    [ -n "$found" ] || {
        echo "coverage.sh: no $1 (Debian: llvm)" >&2
        exit 2
    }
    echo "$found"
}
profdata=$(tool llvm-profdata)
cov=$(tool llvm-cov)

cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=OFF \
    -DCMAKE_C_COMPILER=clang -DCMAKE_C_FLAGS_DEBUG="-O1 -g -fprofile-instr-generate \
-fcoverage-mapping" >/dev/null
programs=("${targets[@]/#/fuzz_}")
cmake --build "$build" --parallel 2 --target fuzz_seeds "${programs[@]/%/_replay}"

objects=()
rm -f "$build"/*.profraw
for target in "${targets[@]}"; do
    program=$build/fuzz/fuzz_${target}_replay
    inputs=()
    for folder in "$build/fuzz/seeds/$target" "$kept/corpus/$target"; do
        if compgen -G "$folder/*" >/dev/null; then # a folder without a file is no input
            inputs+=("$folder")
        fi
    done
    [ ${#inputs[@]} -gt 0 ] || continue
    LLVM_PROFILE_FILE=$build/$target.profraw "$program" "${inputs[@]}" >/dev/null
    # The first is an argument, the others stand behind options.
    [ ${#objects[@]} -eq 0 ] || objects+=(-object)
    objects+=("$program")
done
"$profdata" merge -o "$build/all.profdata" "$build"/*.profraw
sources=("$root/frontend/src" "$root/simback/src")
"$cov" show -format=html -output-dir="$build/html" -instr-profile="$build/all.profdata" \
    "${objects[@]}" "${sources[@]}"
"$cov" report -instr-profile="$build/all.profdata" "${objects[@]}" "${sources[@]}" | tail -n 1
echo "$build/html/index.html"
