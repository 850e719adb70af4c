#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Completion and syntax: bash completes what the tool's tables and the table of steps have, and vim,
# where it is installed with syntax files, finds a group for the first word of every line of every
# scenario.
#
#     check.sh ROOT SIMBLK COMPLETION VIM_SYNTAX STEPS WORK_DIR
#
# STEPS prints the names of all steps

set -eu
LC_ALL=C
export LC_ALL

root=$1
simblk=$2
completion=$3
syntax=$4
steps=$5
work=$6
bad=0

complain() {
    echo "docs/editors: $*"
    bad=1
}

rm -rf "$work"
mkdir -p "$work"
ln -s "$root/scenarios" "$work/scenarios"
cd "$work"

# ---- bash ----

"$steps" names >names

completes() { # wanted, word...
    wanted=$1
    shift
    found=$(bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _simblk; echo "${COMPREPLY[*]}"' bash "$completion" "$@")
    [ "$found" = "$wanted" ] || complain "'$*' is completed as '$found' instead of '$wanted'"
}

# Everything that is completed behind these words, a line each.
all_behind() { # word...
    bash -c '. "$1"; shift; COMP_WORDS=("$@" ""); COMP_CWORD=$#
        _simblk; printf "%s\n" "${COMPREPLY[@]}"' bash "$completion" "$@"
}

if command -v bash >/dev/null; then
    : >names.pcapng
    : >names.so
    bash -c '. "$1"; complete -p simblk' bash "$completion" | grep -q -- '-F _simblk simblk$' ||
        complain "bash would complete nothing"
    completes "run" simblk ru
    completes "explain explore" simblk exp
    completes "--frontend" simblk run --fr
    completes "--frontend" simblk swarm --fr
    completes "names.so" simblk show --frontend nam
    completes "junit" simblk run --format ju
    completes "junit" simblk run --format = ju
    completes "console tap junit json matrix" simblk run --format =
    completes "html" simblk compare --format h
    completes "live" simblk run --world l
    completes "stepped threads" simblk bench --world ""
    completes "null" simblk diff --live-disk n
    completes "I2 I20 I21" simblk explain I2
    completes "fault" simblk explain fau
    completes "tapdisk" simblk dialects tap
    completes "libblkfront" simblk compare libb
    completes "names.so" simblk compare libblkfront names.
    completes "scenarios" simblk run scen
    completes "scenarios/conformance/read-only/mode-r.scn" \
        simblk show scenarios/conformance/read-only/mode-r.
    completes "" simblk run names.
    completes "" simblk run --jobs ""
    completes "names names.pcapng names.so" simblk decode nam
    completes "--trace --trace-pcapng" simblk run --tr
    completes "names.pcapng" simblk run --trace-pcapng names.p
    completes "read-only/mode-r" simblk run --id read-only/mode-r
    completes "explore explore-in-part" simblk run --tag expl
    # All that the tables have, and nothing else.
    "$simblk" --help | sed -n 's/^  \([a-z]*\) .*/\1/p' >commands
    [ "$(wc -l <commands)" -gt 8 ] || complain "simblk --help lists nothing"
    all_behind simblk | grep -v '^--' | diff commands - || complain "these are no commands"
    while read -r command; do
        "$simblk" "$command" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' >options
        echo --help >>options
        bash -c '. "$1"; _simblk_options "$2"' bash "$completion" "$command" | tr ' ' '\n' |
            diff options - || complain "simblk $command has other options"
    done <commands
    sed 's/ .*//' names | sort -u >steps
    all_behind simblk explain | grep -v '^I[0-9]' | diff steps - || complain "these are no steps"
    "$simblk" dialects | sed 's/ .*//' | sort >dialects
    all_behind simblk dialects | sort | diff dialects - || complain "these are no dialects"
fi

# ---- vim ----

[ "$(wc -l <names)" -gt 40 ] || complain "there are no steps"
# Each step alone, and behind a device; then all the scenarios, each line once.
sed 's/$/ x/' names >lines.scn
sed 's/^/xvdb: /; s/$/ x/' names >>lines.scn
find -L scenarios/conformance scenarios/regression -name '*.scn' | sort | xargs cat |
    sort -u >>lines.scn

if vim --version 2>/dev/null | grep -q '+syntax'; then
    mkdir -p vim/syntax vim/ftdetect
    cp "$syntax" vim/syntax/simblk.vim
    cp "$root/docs/editors/ftdetect.vim" vim/ftdetect/simblk.vim
    cat >look.vim <<'VIM'
set nocompatible
set runtimepath^=vim
filetype on
syntax on
edit lines.scn
let missed = []
for number in range(1, line('$'))
  let column = match(getline(number), '^\s*\([a-z0-9]\+:\s*\)\?\zs\S') + 1
  if column > 0 && synIDattr(synID(number, column, 1), 'name') !~# '^simblk\(Step\|Meta\|Comment\)$'
    call add(missed, number . ': ' . getline(number))
  endif
endfor
call writefile([&filetype] + missed, 'looked')
quitall!
VIM
    vim -u NONE -es -S look.vim </dev/null >vim.log 2>&1 || true
    [ "$(cat looked)" = simblk ] || {
        complain "lines that vim does not know:"
        head -n 20 looked
    }
fi

exit $bad
