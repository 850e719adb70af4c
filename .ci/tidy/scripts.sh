#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Shell scripts are clean under shellcheck; where that is not installed the test is skipped.
#
#     scripts.sh ROOT

set -eu

cd "$1"
command -v shellcheck >/dev/null || { echo "shellcheck not found: skipped"; exit 77; }

find frontend simback scenarios fuzz .ci -type f \
    \( -name '*.sh' -o -path .ci/run -o -path .ci/test -o -path .ci/install -o -path .ci/coverage \
       -o -path .ci/conformance -o -path .ci/mutants -o -path .ci/mutants_generic \) \
    -exec shellcheck {} +
