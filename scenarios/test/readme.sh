#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Every example of README.md is run: scenarios, command lines, the sample output, the exit codes.
#
#     readme.sh ROOT WORK_DIR SIMBLK MISBEHAVING CARELESS [PLUGIN]
#
# PLUGIN is nbdkit's, where it is built. MISBEHAVING and CARELESS are the tool over frontends that
# go wrong: misbehaving_subject.c and careless_subject.c. What takes a build of its own is run
# elsewhere, and here it is checked that it is: the two first commands by .ci/run (stages clone and
# test), the fuzzer by its stage fuzz, the CMake snippet by the test install_consumer.

set -eu
LC_ALL=C
export LC_ALL

root=$1
work=$2
simblk=$3
misbehaving=$4
careless=$5
plugin=${6-}
readme=$root/README.md
bad=0

complain() {
    echo "README.md: $*"
    bad=1
}

rm -rf "$work"
mkdir -p "$work/bin" "$work/blocks"
ln -s "$simblk" "$work/bin/simblk"
ln -s "$root/scenarios" "$work/scenarios"
cd "$work"

# A file for each fenced block: NN.LANGUAGE, NN.none without one.
awk '
    /^```/ && inside { inside = 0; close(file); next }
    /^```/ {
        inside = 1
        language = substr($0, 4)
        file = sprintf("blocks/%02d.%s", ++count, language == "" ? "none" : language)
        printf "" >file
        next
    }
    inside { print >file }' "$readme"

# ---- figures ----

sh "$root/docs/figures.sh" "$root" >figures
sed -n '/^<!-- figures -->$/,/^<!-- end -->$/p' "$readme" | sed '1d; $d' >shown
diff figures shown ||
    complain "the figures are not those of docs/performance.md: docs/figures.sh ROOT --write"

# ---- scenarios ----

run_scenario() {
    cp "$1" example.scn
    "$simblk" fmt --check example.scn >/dev/null || complain "a scenario is not canonical: $1"
    "$simblk" run example.scn >out 2>&1 || {
        complain "a scenario does not pass: $1"
        cat out
    }
}

# ---- command lines ----

run_lines() {
    while IFS= read -r line; do
        [ -n "$line" ] || continue
        PATH=$work/bin:$PATH sh -c "$line" >out 2>&1 </dev/null || {
            complain "this fails: $line"
            cat out
        }
    done <"$1"
}

check_commands() {
    case $(cat "$1") in
    "cmake --preset release && cmake --build --preset conformance")
        grep -qF 'readme_block 1)' "$root/.ci/run" || complain "no stage of CI runs block $1" ;;
    "sh .ci/test")
        grep -q '^ *sh \.ci/test ' "$root/.ci/run" || complain "no stage of CI runs block $1" ;;
    *) run_lines "$1" ;;
    esac
}

# ---- the sample ----

check_sample() {
    command=$(sed -n '1s/^\$ simblk //p' "$1")
    sed 1d "$1" >sample
    eval "set -- $command"
    "$careless" "$@" >printed 2>&1 || true
    awk -v printed=printed -f "$root/docs/sample.awk" sample ||
        complain "the sample is not what the tool prints; all of that is in $work/printed"
}

# ---- fuzzing ----

# The first line builds, as the stage does. The second takes clang: the command is tested by
# tool_fuzz_test.c, and here that it has this target and these options.
check_fuzzing() {
    sed -n '/^stage_fuzz()/,/^}/p' "$root/.ci/run" >stage
    sed '$d; s/ && / /' "$1" | tr ' ' '\n' | while read -r word; do
        grep -qF -- "$word" stage || echo "$word"
    done >missing
    [ ! -s missing ] || complain "stage fuzz does without: $(cat missing)"
    line=$(tail -n 1 "$1")
    case $line in
    "build/fuzz/scenarios/simblk fuzz ring --time 60 --keep") ;;
    *) complain "block $1 does not end with the fuzzer" ;;
    esac
    grep -qF 'simblk fuzz ring ' "$root/scenarios/test/tool_fuzz_test.c" ||
        complain "no test fuzzes the ring"
    "$simblk" fuzz --help >out
    for option in --time --keep; do
        grep -q "^  $option " out || complain "simblk fuzz knows no $option"
    done
}

# A frontend of somebody's own: the one of the examples.
check_frontend() {
    mkdir -p build/release
    ln -sfn "$(dirname "$simblk")" build/release/scenarios
    ln -sfn "$root/frontend" frontend
    cp "$root/examples/tiny-frontend/tiny.c" theirs.c
    PATH=$work/bin:$PATH sh -e "$1" >out 2>&1 </dev/null || {
        complain "block $1 fails"
        cat out
    }
}

# ---- nbdkit ----

# The command as it stands, with the plugin of this build and a scenario by that name.
check_served() {
    [ -n "$plugin" ] || return 0
    grep -qF ' build/release/scenarios/nbdkit/nbdkit-simblk-plugin.so ' "$1" ||
        complain "block $1 does not name the plugin"
    printf 'backend linux\nconnect\nfault percent=1 delay=1ms\n' >faults.scn
    {
        echo 'set -e'
        sed "s, build/release/[^ ]*nbdkit-simblk-plugin.so , $plugin ," "$1"
    } >served
    timeout -k 5 200 sh served >out 2>&1 </dev/null || {
        complain "this fails: $(cat served)"
        cat out
    }
}

# ---- exit codes ----

# A scenario that reads this sector: what comes of it stands in misbehaving_subject.c.
reads() {
    printf 'rule I7\nbackend linux\nconnect -> ok\nread %s +8 -> ok\n' "$2" >"$1.scn"
}

ends_with() {
    wanted=$1
    shift
    status=0
    "$@" >out 2>&1 </dev/null || status=$?
    [ "$status" -eq "$wanted" ] || {
        complain "exit code $status instead of $wanted: $*"
        cat out
    }
}

check_codes() {
    sed -n '/^## Exit codes/,/^## /s/^| \([0-9]*\) |.*/\1/p' "$readme" >listed
    [ "$(tr '\n' ' ' <listed)" = "0 1 2 77 127 128 129 130 " ] ||
        complain "the codes of the table are not those that are tested: $(tr '\n' ' ' <listed)"
    reads 0 0
    reads 1 104
    reads 127 101
    reads 128 105
    reads 129 103
    reads hangs 102
    printf 'rule I8\nbackend linux\nconnect -> ok\nflush -> ok\n' >77.scn
    for code in 0 1 77 127 128 129; do
        ends_with "$code" "$misbehaving" run "$code.scn"
    done
    ends_with 0 "$misbehaving" run 0.scn 77.scn
    ends_with 2 "$misbehaving" run 0.scn --unknown-option
    ends_with 2 "$misbehaving" run 0.scn nowhere.scn
    ends_with 130 timeout --preserve-status -s INT 1 "$misbehaving" run --stuck 600 hangs.scn
}

# "the first of A, B, C that occurred at all": each before all that follow.
check_order() {
    order=$(sed -n 's/.*ends with the first of \([0-9, ]*\) that occurred.*/\1/p' "$readme" |
        tr -d ,)
    [ -n "$order" ] || complain "the order of exit codes is not there"
    # Numbers, one a word.
    # shellcheck disable=SC2086
    set -- $order
    while [ $# -gt 1 ]; do
        first=$1
        shift
        for other in "$@"; do
            ends_with "$first" "$misbehaving" run "$other.scn" "$first.scn" 0.scn
        done
    done
}

check_codes
check_order
for block in blocks/*; do
    case $block in
    *.scn) run_scenario "$block" ;;
    *.sh) check_commands "$block" ;;
    *.cmake)
        grep -qF 'README.md' "$root/frontend/test/install/run.sh" ||
            complain "the install test does not use block $block" ;;
    *.none)
        case $(head -n 1 "$block") in
        '$ simblk '*) check_sample "$block" ;;
        'cc '*) check_frontend "$block" ;;
        'nbdkit '*) check_served "$block" ;;
        'cmake --preset fuzz '*) check_fuzzing "$block" ;;
        *) complain "nothing tests block $block" ;;
        esac ;;
    *) complain "nothing tests block $block" ;;
    esac
done

exit $bad
