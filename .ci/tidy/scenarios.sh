#!/bin/sh
# SPDX-License-Identifier: ISC
#
# No dead scenario: each has a title, a rule line of known codes (I1 to I21) and an expectation, and
# each rule that scenarios prove is also named in the code or the oracle that keeps it.
#
#     scenarios.sh ROOT [--table]       --table prints rule, number of code places, scenarios

set -eu
LC_ALL=C
export LC_ALL

cd "$1"
mode=${2:-}
bad=0
list=$(find scenarios/conformance scenarios/regression -type f -name '*.scn' 2>/dev/null | sort)

for file in $list; do
    awk -v file="$file" '
    function complain(what) { printf "%s:%d: %s\n", file, FNR, what; bad = 1 }
    $1 == "title" { title++ }
    $1 == "rule" {
        rules++
        for (i = 2; i <= NF && $i !~ /^#/; i++) {
            code = $i; gsub(/,/, "", code)
            if (code == "should")
                continue
            if (code !~ /^I[0-9]+$/ || substr(code, 2) + 0 < 1 || substr(code, 2) + 0 > 21)
                complain("unknown rule " code)
        }
        if (NF < 2) complain("a rule line without a rule")
    }
    $1 == "expect" || / -> / { expectations++ }
    END {
        if (title != 1) complain("needs one title")
        if (!rules) complain("no rule line: nobody knows what it proves")
        if (!expectations) complain("expects nothing: it cannot fail")
        exit bad
    }' "$file" || bad=1
done

for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do
    rule=I$number
    proofs=0
    if [ -n "$list" ]; then
        # The names of scenario files hold no spaces.
        # shellcheck disable=SC2086
        proofs=$(awk -v rule="$rule" '
            FNR == 1 { seen = 0 }
            $1 == "rule" && !seen { for (i = 2; i <= NF; i++) { word = $i; gsub(/,/, "", word)
                if (word == rule) { count++; seen = 1 } } }
            END { print count + 0 }' $list)
    fi
    places=$(find frontend/src simback/src scenarios/src -type f \( -name '*.c' -o -name '*.h' \) \
        -exec grep -lw "$rule" {} + 2>/dev/null | wc -l)
    [ "$mode" != --table ] || printf '%-4s code %3d  scenarios %3d\n' "$rule" "$places" "$proofs"
    if [ "$proofs" -gt 0 ] && [ "$places" -eq 0 ]; then
        echo "$rule: has scenarios, but no code names it"
        bad=1
    fi
done

exit $bad
