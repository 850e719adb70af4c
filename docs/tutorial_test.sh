#!/bin/sh
# SPDX-License-Identifier: ISC
#
# docs/tutorial.md, word for word: its files are written where it says so, its commands run in its
# order in one shell, and what they print and how they end is what it shows.
#
#     tutorial_test.sh ROOT WORK_DIR SIMBLK
#
# The clone is a folder that looks like one, with the tool already built: the line that builds it is
# the README's, which CI runs.

set -eu
LC_ALL=C
export LC_ALL

root=$1
work=$2
simblk=$3
page=$root/docs/tutorial.md
bad=0

complain() {
    echo "docs/tutorial.md: $*"
    bad=1
}

command -v patch >/dev/null || {
    echo "patch is not there"
    exit 77
}

rm -rf "$work"
mkdir -p "$work/blocks" "$work/clone/build/release"
ln -s "$root/scenarios" "$root/frontend" "$root/examples" "$work/clone"
ln -s "$(dirname "$simblk")" "$work/clone/build/release/scenarios"

# Each block becomes NN.LANGUAGE. What it is stands in the words since the block before: a file,
# whose name is the last in backquotes; and how the command before it ended, 0 if nothing is said.
awk -v to="$work/blocks" '
    /^```/ && inside { inside = 0; close(file); words = ""; next }
    /^```/ {
        inside = 1
        language = substr($0, 4)
        base = sprintf("%s/%02d", to, ++count)
        file = base "." (language == "" ? "none" : language)
        printf "" >file
        if (match(words, /`[a-z]+\.(scn|diff|txt)`[^`]*$/)) {
            name = substr(words, RSTART + 1)
            sub(/`.*/, "", name)
            print name >(base ".name")
            close(base ".name")
        }
        if (match(words, /exit code [0-9]+/)) {
            print substr(words, RSTART + 10, RLENGTH - 10) >(base ".code")
            close(base ".code")
        }
        next
    }
    inside { print >file; next }
    { words = words "\n" $0 }' "$page"

# ---- one script of all that the reader does ----

is_a_file() { # block: the words before it name one, and it is no command
    [ -e "${1%.*}.name" ] && [ "${1##*.}" != sh ]
}

cd "$work/blocks"
for block in ??.scn ??.diff ??.none ??.sh; do
    echo "$block"
done | sort >../order
while read -r block; do
    base=${block%.*}
    if is_a_file "$block"; then
        echo "cp '$work/blocks/$block' '$(cat "$base.name")'"
    elif [ "${block##*.}" = sh ] && grep -q '^cmake ' "$block"; then
        grep -qxF "$(cat "$block")" "$root/README.md" || complain "the README builds otherwise" >&2
    elif [ "${block##*.}" = sh ]; then
        echo "{"
        cat "$block"
        echo "} >'$work/blocks/$base.printed' 2>&1"
        echo "echo \$? >'$work/blocks/$base.ended'"
    fi
done <../order >../script
(cd "$work/clone" && sh ../script </dev/null)

# ---- what came of it ----

last=
ended=0
while read -r block; do
    base=${block%.*}
    case $block in
    *.sh)
        [ "$ended" -eq 0 ] || complain "block $last ends with exit code $ended, and nothing says so"
        last=$base
        ended=0
        [ ! -e "$base.ended" ] || ended=$(cat "$base.ended")
        continue
        ;;
    esac
    if [ -e "$base.code" ]; then
        [ "$ended" -eq "$(cat "$base.code")" ] ||
            complain "block $last ends with exit code $ended instead of $(cat "$base.code")"
        ended=0
    fi
    [ "${block##*.}" = none ] && ! is_a_file "$block" || continue
    awk -v printed="$last.printed" -f "$root/docs/sample.awk" "$block" ||
        complain "block $base is not what block $last printed (blocks/$last.printed)"
done <../order
[ "$ended" -eq 0 ] || complain "block $last ends with exit code $ended"
[ "$(grep -c '\.none$' ../order)" -ge 8 ] || complain "samples were not found"
[ "$(grep -c '\.scn$' ../order)" -ge 3 ] || complain "scenarios were not found"

# Scenarios stand as `simblk fmt` writes them.
for block in ??.scn; do
    "$simblk" fmt --check "$block" >/dev/null || complain "block $block is not canonical"
done

exit $bad
