#!/bin/sh
# SPDX-License-Identifier: ISC
#
# No dead file: every source is listed by name in a CMakeLists.txt, every private header is
# included by somebody, every script is called by somebody.
#
#     listed.sh ROOT

set -eu
LC_ALL=C
export LC_ALL

cd "$1"
bad=0

# The sources that CMakeLists.txt files name, relative to the root. Each form of a path that CMake
# takes counts: relative to the file, above it (../src/one.c), from ${CMAKE_CURRENT_SOURCE_DIR} and
# from ${PROJECT_SOURCE_DIR}. A name that a variable completes names nothing: nobody finds it.
named=$(find CMakeLists.txt frontend simback scenarios fuzz -type f -name CMakeLists.txt \
    -exec awk '
    FNR == 1 { folder = FILENAME; sub(/[^\/]*$/, "", folder) }
    {
        sub(/#.*/, "")
        gsub(/[()";]/, " ")
        for (i = 1; i <= NF; i++) {
            if ($i !~ /\.c(pp)?$/)
                continue
            path = $i
            if (!sub(/^[$][{]PROJECT_SOURCE_DIR[}]\//, "", path)) {
                sub(/^[$][{]CMAKE_CURRENT_SOURCE_DIR[}]\//, "", path)
                path = folder path
            }
            while (sub(/[^\/]+\/\.\.\//, "", path))
                continue
            print path
        }
    }' {} +)

for file in $(find frontend simback scenarios fuzz -type f \( -name '*.c' -o -name '*.cpp' \) |
    sort); do
    if ! printf '%s\n' "$named" | grep -qxF "$file"; then
        echo "$file: in no CMakeLists.txt"
        bad=1
    fi
done

includes=$(find frontend simback scenarios fuzz -type f \
    \( -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.def' \) \
    -exec sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]\([^">]*\)[">].*/\1/p' {} + |
    sed 's|.*/||' | sort -u)
for file in $(find frontend simback scenarios fuzz -type f \( -name '*.h' -o -name '*.def' \) |
    grep -v '/include/' | sort); do
    if ! printf '%s\n' "$includes" | grep -qxF "$(basename "$file")"; then
        echo "$file: included by nobody"
        bad=1
    fi
done

for file in $(find frontend simback scenarios fuzz .ci -type f -name '*.sh' | sort); do
    name=$(basename "$file")
    if ! grep -rqF "$name" --include=CMakeLists.txt --include='*.cmake' --include='*.c' \
        --include='boot.sh' frontend simback scenarios fuzz .ci CMakeLists.txt &&
        ! grep -qsF "$name" .ci/run .ci/test; then
        echo "$file: called by nobody"
        bad=1
    fi
done

exit $bad
