#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Completion and syntax: bash completes what the tool says that it has, and vim, where it is
# installed with syntax files, finds a group for the first word of every line of every scenario.
#
#     check.sh ROOT SIMBLK VIM_SYNTAX STEPS WORK_DIR      STEPS prints the names of all steps

set -eu
LC_ALL=C
export LC_ALL

root=$1
simblk=$2
syntax=$3
steps=$4
work=$5
bad=0

complain() {
    echo "docs/editors: $*"
    bad=1
}

rm -rf "$work"
mkdir -p "$work/bin"
ln -s "$simblk" "$work/bin/simblk"
ln -s "$root/scenarios" "$work/scenarios"
cd "$work"

# ---- bash ----

completes() { # wanted, word...
    wanted=$1
    shift
    found=$(PATH=$work/bin:$PATH bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _simblk; echo "${COMPREPLY[*]}"' bash "$root/docs/editors/simblk.bash" "$@")
    [ "$found" = "$wanted" ] || complain "'$*' is completed as '$found' instead of '$wanted'"
}

if command -v bash >/dev/null; then
    : >names.pcapng
    completes "run" simblk ru
    completes "explain" simblk expla
    completes "--frontend" simblk run --fr
    completes "--frontend" simblk swarm --fr
    completes "names.pcapng" simblk show --frontend nam
    completes "junit" simblk run --format ju
    completes "tap" simblk run --format t
    completes "html" simblk compare --format h
    completes "I2 I20 I21" simblk explain I2
    completes "tapdisk" simblk dialects tap
    completes "scenarios" simblk run scen
    completes "--trace --trace-pcapng" simblk run --tr
    completes "names.pcapng" simblk run --trace-pcapng nam
    [ "$("$simblk" --help | grep -c '^  [a-z]')" -gt 8 ] || complain "simblk --help lists nothing"
fi

# ---- vim ----

"$steps" names >names
[ "$(wc -l <names)" -gt 40 ] || complain "there are no steps"
# Each step alone, and behind a device; then all the scenarios.
sed 's/$/ x/' names >lines.scn
sed 's/^/xvdb: /; s/$/ x/' names >>lines.scn
find -L scenarios/conformance scenarios/regression -name '*.scn' | sort | xargs cat >>lines.scn

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
