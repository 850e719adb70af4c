#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The tidy checks can fail: each is given a small tree that is clean and then the same tree with one
# offence, and must accept the first and refuse the second.
#
#     selftest.sh WORK_DIR CC

set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$1
cc=$2
failed=0
passed=0

top='/* SPDX-License-Identifier: ISC */
/* What it is for. */'

clean() {
    rm -rf "$work"
    mkdir -p "$work/.ci" "$work/docs" "$work/fuzz"
    mkdir -p "$work/scenarios/conformance" "$work/scenarios/regression" "$work/scenarios/test"
    for name in frontend:blkfront simback:simback scenarios:scenario; do
        folder=$work/${name%%:*}
        header=include/${name##*:}
        mkdir -p "$folder/$header" "$folder/src"
        printf '%s\n#include <stdint.h>\n' "$top" >"$folder/$header/api.h"
        printf '%s\n#include <%s/api.h>\nint I1;\n' "$top" "${name##*:}" >"$folder/src/one.c"
        printf 'add(src/one.c)\n' >"$folder/CMakeLists.txt"
    done
    printf '%s\n#include <stdint.h>\n' "$top" >"$work/frontend/include/blkfront/platform.h"
    printf '%s\n#include <blkfront/platform.h>\n' "$top" >>"$work/simback/src/one.c"
    printf 'title "t"\nrule I1\nabout "[N1]"\nread 0 +1 -> ok\n' \
        >"$work/scenarios/conformance/a.scn"
    printf '| N1 | one |\n| N2 | two |\n' >"$work/docs/protocol.md"
    echo '| N2 | why |' >"$work/docs/conformance.md"
    printf 'title "t"\nrule I1\nabout "BUGS.md 1: x"\nread 0 +1 -> ok\n' \
        >"$work/scenarios/regression/one.scn"
    # shellcheck disable=SC2016
    printf '| 1 | F | bug | `one` | I1 | `m001-one`: what |\n| 2 | B | bug | why |\n' \
        >"$work/docs/bugs.md"
    printf '#!/bin/sh\npwd\n' >"$work/frontend/good.sh"
    echo 'run(good.sh)' >"$work/CMakeLists.txt"
}

check() { # script, arguments after ROOT
    script=$1
    shift
    sh "$here/$script" "$work" "$@" >"$work.log" 2>&1
}

accepts() {
    clean
    if check "$@"; then
        passed=$((passed + 1))
    else
        echo "$1 refuses a clean tree:"
        cat "$work.log"
        failed=$((failed + 1))
    fi
}

# what, the words that must be in the complaint, then the check; the offence is made by the caller
refuses() {
    what=$1
    words=$2
    shift 2
    if check "$@"; then
        echo "$1 accepts $what"
        failed=$((failed + 1))
    elif ! grep -qF "$words" "$work.log"; then
        echo "$1, given $what, does not say \"$words\" but:"
        cat "$work.log"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
    clean
}

offend() { # file, line to append
    printf '%s\n' "$2" >>"$work/$1"
}

accepts includes.sh scenarios/src/one.c
printf '%s\n' "$top" >"$work/frontend/src/ring.h"
offend simback/src/one.c '#include "../../frontend/src/ring.h"'
refuses "the frontend's inside in simback" "must not include" includes.sh
printf '%s\n' "$top" >"$work/frontend/src/ring.h"
offend frontend/src/one.c '#include "ring.h"'
if ! check includes.sh; then
    echo "includes.sh refuses the frontend's own header"
    failed=$((failed + 1))
fi
offend simback/src/one.c '#include <blkfront/api.h>'
refuses "another header of the frontend in simback" "must not include" includes.sh
cp "$work/frontend/include/blkfront/api.h" "$work/frontend/include/blkfront/blkfront.h"
cp "$work/simback/src/one.c" "$work/simback/src/oracle_data.c"
offend simback/src/oracle_data.c '#include <blkfront/blkfront.h>'
if ! check includes.sh; then
    echo "includes.sh refuses the frontend's API in the oracle"
    failed=$((failed + 1))
fi
offend simback/src/one.c '#include <blkfront/blkfront.h>'
refuses "the frontend's API in simback" "must not include" includes.sh
offend frontend/include/blkfront/api.h '#include <simback/api.h>'
refuses "simback in the frontend's header" "must not include" includes.sh
offend frontend/src/one.c '#include <stdio.h>'
refuses "stdio in the core" "freestanding" includes.sh
offend frontend/include/blkfront/api.h '#include <string.h>'
refuses "string.h in a public header of the frontend" "freestanding" includes.sh
offend simback/include/simback/api.h '#include <scenario/api.h>'
refuses "the runner in simback" "must not include" includes.sh
offend scenarios/include/scenario/api.h '#include <simback/api.h>'
refuses "simback reached by the language" "must not reach" includes.sh scenarios/src/one.c
printf '%s\n#include "one.h"\n' "$top" >"$work/fuzz/target.c"
refuses "a header that is not there" "no file of ours" includes.sh

accepts text.sh
offend frontend/src/one.c "/* $(printf '%0100d' 0) */"
refuses "a long line" "106 columns" text.sh
offend scenarios/page.js "$(printf '%0101d' 0)"
refuses "a long line of a page" "101 columns" text.sh
offend frontend/src/one.c "$(printf 'int\ta;')"
refuses "a tab" "a tab" text.sh
offend frontend/src/one.c "int a; "
refuses "trailing space" "space at the end" text.sh
printf 'int a;' >>"$work/frontend/src/one.c"
refuses "a missing newline" "no newline" text.sh
offend frontend/src/one.c "$(yes 'int a;' | head -n 600)"
refuses "a long file" "600 are allowed" text.sh
echo 'int a;' >"$work/frontend/src/one.c"
refuses "no licence line" "SPDX" text.sh
printf '%s\nint a;\n' "${top%%
*}" >"$work/frontend/src/one.c"
refuses "no paragraph of purpose" "what the file is for" text.sh

accepts listed.sh
printf '%s\n' "$top" >"$work/simback/src/two.c"
refuses "an unlisted source" "in no CMakeLists.txt" listed.sh
for name in frontend/src/two.c frontend/src/three.c simback/src/two.c scenarios/test/two.c; do
    printf '%s\n' "$top" >"$work/$name"
done
# shellcheck disable=SC2016
echo 'add("${CMAKE_CURRENT_SOURCE_DIR}/src/two.c" ${PROJECT_SOURCE_DIR}/simback/src/two.c)' \
    >>"$work/frontend/CMakeLists.txt"
echo 'add(two.c ../../frontend/src/three.c)' >"$work/scenarios/test/CMakeLists.txt"
if ! check listed.sh; then
    echo "listed.sh refuses sources that are listed:"
    cat "$work.log"
    failed=$((failed + 1))
fi
clean
printf '%s\n' "$top" >"$work/simback/src/two.c"
# shellcheck disable=SC2016
offend simback/CMakeLists.txt 'add(src/${name}.c) # src/two.c'
refuses "a source that only a variable could name" "two.c: in no CMakeLists.txt" listed.sh
printf '%s\n' "$top" >"$work/simback/src/two.h"
refuses "a header of nobody" "included by nobody" listed.sh
: >"$work/.ci/lonely.sh"
refuses "a script of nobody" "called by nobody" listed.sh

accepts headers.sh "$cc" ""
offend simback/include/simback/api.h 'size_t simback_size(void);'
refuses "a header that lacks an include" "does not compile alone" headers.sh "$cc" "" 2>/dev/null

accepts scenarios.sh
printf 'title "t"\nread 0 +1 -> ok\n' >"$work/scenarios/conformance/b.scn"
refuses "a scenario without a rule" "no rule line" scenarios.sh
printf 'title "t"\nrule I22\nread 0 +1 -> ok\n' >"$work/scenarios/conformance/b.scn"
refuses "a rule that is none" "unknown rule I22" scenarios.sh
printf 'title "t"\nrule I1\nread 0 +1\n' >"$work/scenarios/conformance/b.scn"
refuses "a scenario that cannot fail" "cannot fail" scenarios.sh
printf 'title "t"\nrule I2\nread 0 +1 -> ok\n' >"$work/scenarios/conformance/b.scn"
refuses "a rule that nobody keeps" "no code names it" scenarios.sh

accepts protocol.sh
: >"$work/docs/conformance.md"
refuses "a row that no scenario is about" "N2: no scenario is about it" protocol.sh
echo '| N1 | why |' >>"$work/docs/conformance.md"
refuses "a row that is excused and need not be" "N1: excused" protocol.sh
printf '| N3 | why |\n' >>"$work/docs/conformance.md"
refuses "an excuse for nothing" "no row N3 to excuse" protocol.sh
printf '| N1 | again |\n' >>"$work/docs/protocol.md"
refuses "a row that is there twice" "N1 stands there twice" protocol.sh
printf 'about "[N9] x"\n' >>"$work/scenarios/conformance/a.scn"
refuses "a row that is none" "N9: no such row" protocol.sh
for n in 11 12 13 14 15 16 17 18 19 20; do
    echo "| N$n | why |" >>"$work/docs/conformance.md"
done
refuses "more excuses than ten" "rows are excused" protocol.sh

accepts bugs.sh
printf 'title "t"\nrule I1\nread 0 +1 -> ok\n' >"$work/scenarios/regression/two.scn"
refuses "a scenario of no row" "two.scn is not named" bugs.sh
rm "$work/scenarios/regression/one.scn"
refuses "a row whose scenario is not there" "one.scn is not there" bugs.sh
sed -i 's/BUGS.md 1:/BUGS.md 2:/' "$work/scenarios/regression/one.scn"
refuses "a scenario of another row" "one does not name it" bugs.sh
sed -i 's/| I1 |/| I2 |/' "$work/docs/bugs.md"
refuses "a rule that is not the scenario's" "no scenario of it is for I2" bugs.sh
sed -i 's/.m001-one.: what/–/' "$work/docs/bugs.md"
refuses "a bug of a frontend without a mutant" "1: names no mutant" bugs.sh
sed -i 's/| .one. |/|  |/' "$work/docs/bugs.md"
refuses "a row without a scenario" "1: names no scenario" bugs.sh
sed -i 's/ why//' "$work/docs/bugs.md"
refuses "a row that gives no reason" "nothing says why" bugs.sh
offend docs/bugs.md '| 2 | B | again | why |'
refuses "a row that is there twice" "2 stands there twice" bugs.sh
for n in 11 12 13 14 15 16 17 18; do
    echo "| $n | B | bug | why |" >>"$work/docs/bugs.md"
done
refuses "more reasons than eight" "9 rows are no scenario" bugs.sh

accepts blobs.sh
dd if=/dev/zero of="$work/fuzz/blob" bs=1024 count=257 2>/dev/null
refuses "a large file" "larger than" blobs.sh
: >"$work/fuzz/a.o"
refuses "an object file" "made by a build" blobs.sh

if command -v shellcheck >/dev/null; then
    accepts scripts.sh
    printf '#!/bin/sh\nunused=1\n' >"$work/frontend/bad.sh"
    refuses "an unused variable" "SC2034" scripts.sh
fi

rm -rf "$work" "$work.log"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
