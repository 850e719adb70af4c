#!/bin/sh
# SPDX-License-Identifier: ISC
#
# No dead file: every source is listed by name in a CMakeLists.txt above it, every private header is
# included by somebody, every script is called by somebody.
#
#     listed.sh ROOT

set -eu
LC_ALL=C
export LC_ALL

cd "$1"
bad=0

# Is $1 named, by its path from there, in one of the CMakeLists.txt between it and the root?
is_listed() {
    at=$(dirname "$1")
    rest=$(basename "$1")
    while [ "$at" != . ]; do
        if [ -f "$at/CMakeLists.txt" ] &&
            sed 's/#.*//; s/[()"; ]/\n/g' "$at/CMakeLists.txt" | grep -qxF "$rest"; then
            return 0
        fi
        rest=$(basename "$at")/$rest
        at=$(dirname "$at")
    done
    return 1
}

for file in $(find frontend simback scenarios fuzz -type f -name '*.c' | sort); do
    if ! is_listed "$file"; then
        echo "$file: in no CMakeLists.txt"
        bad=1
    fi
done

includes=$(find frontend simback scenarios fuzz -type f \
    \( -name '*.c' -o -name '*.h' -o -name '*.def' \) \
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
        frontend simback scenarios fuzz .ci CMakeLists.txt &&
        ! grep -qsF "$name" .ci/run .ci/test; then
        echo "$file: called by nobody"
        bad=1
    fi
done

exit $bad
