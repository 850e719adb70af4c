#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Every order in which the world can go: of the small scenarios to the end, of the others as far as
# it goes; and that what there is to find is found, with a schedule that repeats it.
#
#     explore.sh SCENARIOS SIMBLK MISBEHAVING

set -eu
LC_ALL=C
export LC_ALL

scenarios=$1 simblk=$2 misbehaving=$3
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT

fail() {
    echo "$1"
    exit 1
}

whole() { # folder of scenarios with this tag
    grep -l "^tag  *$1\$" "$scenarios"/*.scn
}

# ---- to the end ----

# The names have no spaces.
# shellcheck disable=SC2046
"$simblk" explore --strict --schedules 0 $(whole explore) | tee "$at/all"
! grep -v 'that is all$' "$at/all" >"$at/rest" || fail "not explored to the end: $(cat "$at/rest")"

# ---- in part ----

# shellcheck disable=SC2046
"$simblk" explore --strict --schedules 200 $(whole explore-in-part) | tee "$at/part"

# ---- the same again ----

one=$(whole explore | head -n 1)
"$simblk" explore --schedules 300 "$one" >"$at/once"
"$simblk" explore --schedules 300 "$one" >"$at/twice"
cmp "$at/once" "$at/twice" || fail "two searches differ"

# ---- what is wrong ----

cat >"$at/wrong.scn" <<'END'
title    "this frontend reads wrong data"
rule     I7

backend  linux
connect                             -> ok
read     103 +8                     -> ok
disconnect                          -> ok
END
code=0
"$misbehaving" explore "$at/wrong.scn" >"$at/wrong" || code=$?
[ "$code" -eq 129 ] || fail "exit code $code, not 129: $(cat "$at/wrong")"
again=$(sed -n 's/.*again: simblk \(explore --schedule [0-9.]*\) .*/\1/p' "$at/wrong")
[ -n "$again" ] || fail "nothing to repeat it with: $(cat "$at/wrong")"
code=0
# shellcheck disable=SC2086
"$misbehaving" $again "$at/wrong.scn" >"$at/again" || code=$?
[ "$code" -eq 129 ] || fail "the schedule gives exit code $code, not 129"

# ---- what cannot be ----

for wrong in "" "--schedule x $one" "--schedule 1.256 $one" "--stuck 0 $one" "$at/none.scn"; do
    code=0
    # shellcheck disable=SC2086
    "$simblk" explore $wrong >/dev/null 2>"$at/err" || code=$?
    [ "$code" -eq 2 ] || fail "explore $wrong: exit code $code, not 2"
    [ -s "$at/err" ] || fail "explore $wrong: nothing said"
done
