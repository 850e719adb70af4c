#!/bin/sh
# SPDX-License-Identifier: ISC
#
# How files look: lines of at most 100 columns (rows of tables in .def files: 120), at most 600
# lines, no tabs, no trailing space, a newline at the end, and a licence line and a paragraph of
# purpose at the top of C files.
#
#     text.sh ROOT

set -eu
LC_ALL=C
export LC_ALL

cd "$1"

files() {
    find frontend simback scenarios fuzz docs .ci .github CMakeLists.txt -type f \( "$@" \) \
        2>/dev/null | sort
}

bad=0

# Frozen and malformed programs are test data: they are as they are.
list=$(files -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.def' -o -name '*.sh' \
    -o -name '*.cmake' -o -name '*.in' -o -name '*.pl' -o -name '*.js' -o -name '*.css' \
    -o -name '*.html' -o -name 'CMakeLists.txt' -o -path '.ci/run' \
    -o -path '.ci/test' -o -path '.ci/coverage' -o \( -name '*.scn' ! -path '*/test/*' \))
for file in $list; do
    width=100
    case $file in *.def) width=120 ;; esac
    awk -v file="$file" -v width="$width" '
    function complain(what) { printf "%s:%d: %s\n", file, FNR, what; bad = 1 }
    # Continuation bytes of UTF-8 take no column.
    { text = $0; gsub(/[\200-\277]/, "", text) }
    # A title or a reference in a scenario is one line, however long.
    length(text) > width && file !~ /\.scn$/ {
        complain("line of " length(text) " columns, " width " are allowed")
    }
    /\t/ { complain("a tab") }
    /[ \r]$/ { complain("space at the end of the line") }
    END {
        if (FNR > 600) complain("file of " FNR " lines, 600 are allowed")
        exit bad
    }' "$file" || bad=1
    if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then
        echo "$file: no newline at the end"
        bad=1
    fi
done

for file in $(files -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.def'); do
    if [ "$(head -n 1 "$file")" != '/* SPDX-License-Identifier: ISC */' ]; then
        echo "$file:1: must begin with /* SPDX-License-Identifier: ISC */"
        bad=1
    elif ! sed -n 2p "$file" | grep -q '^/\*'; then
        echo "$file:2: a comment paragraph must say what the file is for"
        bad=1
    fi
done

exit $bad
