#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The figures of README.md, out of the tables of docs/performance.md; a test compares them, and the
# target `performance` writes them.
#
#     figures.sh ROOT [--write]

set -eu
LC_ALL=C
export LC_ALL

root=$1
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT

row() { # table, row, rules, what it is called
    awk -v mark="<!-- $1 -->" -v row="$2" -v rules="$3" -v name="$4" -F ' *[|] *' '
        $0 == mark { inside = 1 }
        $0 == "<!-- end -->" { inside = 0 }
        inside && $2 == row && $3 == rules {
            printf "| %s | %d | %.2f |\n", name, $4, $6
            found = 1
        }
        END { exit !found }' "$root/docs/performance.md" || {
        echo "docs/performance.md has no row '$2' with rules $3" >&2
        exit 1
    }
}

{
    echo "| one core, virtual time; then threads, the real clock | requests a second | × a copy |"
    echo "|---|---:|---:|"
    row stepped "read 4 KiB direct" all "reads of 4 KiB, judged by all rules"
    row stepped "read 4 KiB direct" none "reads of 4 KiB, without rules"
    row stepped "write 1 MiB indirect" none "writes of 1 MiB, without rules"
    row threads "read 4 KiB, depth 32" none "threads: reads of 4 KiB, 32 at once"
    row threads "read 1 MiB, depth 32" none "threads: reads of 1 MiB, 32 at once"
} >"$at/figures"

if [ "${2-}" = --write ]; then
    awk -v file="$at/figures" '
        $0 == "<!-- figures -->" {
            print
            while ((getline line <file) > 0) print line
            inside = 1
            next
        }
        $0 == "<!-- end -->" { inside = 0 }
        !inside' "$root/README.md" >"$at/README.md"
    cp "$at/README.md" "$root/README.md"
else
    cat "$at/figures"
fi
