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
    -o -path '.ci/test' -o -path '.ci/install' -o -path '.ci/coverage' \
    -o \( -name '*.scn' ! -path '*/test/*' \))
# No name holds a space: the list is meant to be split, here and below.
# shellcheck disable=SC2086
awk '
function complain(file, line, what) { printf "%s:%d: %s\n", file, line, what; bad = 1 }
function finish() {
    if (lines > 600) complain(file, lines, "file of " lines " lines, 600 are allowed")
}
FNR == 1 { finish(); file = FILENAME; width = file ~ /\.def$/ ? 120 : 100 }
# Continuation bytes of UTF-8 take no column.
{ lines = FNR; text = $0; gsub(/[\200-\277]/, "", text) }
# A title or a reference in a scenario is one line, however long.
length(text) > width && file !~ /\.scn$/ {
    complain(file, FNR, "line of " length(text) " columns, " width " are allowed")
}
/\t/ { complain(file, FNR, "a tab") }
/[ \r]$/ { complain(file, FNR, "space at the end of the line") }
END { finish(); exit bad }' $list || bad=1

# The last byte of a file is a newline. Which file's is not is asked only when there is one.
# shellcheck disable=SC2086
if [ "$(tail -q -c 1 $list | tr -d '\n' | wc -c)" -gt 0 ]; then
    for file in $list; do
        [ -z "$(tail -c 1 "$file")" ] || echo "$file: no newline at the end"
    done
    bad=1
fi

# shellcheck disable=SC2046
awk '
function complain(line, what) { printf "%s:%d: %s\n", file, line, what; bad = 1 }
function finish() {
    if (file == "") return
    if (licence != "/* SPDX-License-Identifier: ISC */")
        complain(1, "must begin with /* SPDX-License-Identifier: ISC */")
    else if (purpose !~ /^\/\*/)
        complain(2, "a comment paragraph must say what the file is for")
}
FNR == 1 { finish(); file = FILENAME; licence = $0; purpose = "" }
FNR == 2 { purpose = $0 }
END { finish(); exit bad }' \
    $(files -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.def') || bad=1

exit $bad
