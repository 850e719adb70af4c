#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What tshark, with the dissector beside this file, makes of `simblk run --trace-pcapng`: requests
# as the text trace has them, each linked with its response; response times; broken rules and
# verdicts as expert information; and no packet of the conformance scenarios that it does not know.
#
#     check.sh ROOT WORK_DIR SIMBLK CARELESS MISSING
#
# CARELESS is the tool over careless_subject.c. Without tshark it ends with MISSING.

set -eu
LC_ALL=C
export LC_ALL

root=$1
work=$2
simblk=$3
careless=$4
missing=$5
bad=0

command -v tshark >/dev/null || {
    echo "tshark is not there"
    exit "$missing"
}

complain() {
    echo "wireshark: $*"
    bad=1
}

rm -rf "$work"
mkdir -p "$work"
ln -s "$root/scenarios" "$work/scenarios"
cd "$work"
# Neither preferences nor plugins of whoever runs this.
HOME=$work
XDG_CONFIG_HOME=$work
export HOME XDG_CONFIG_HOME

dissect() { # option...
    tshark -2 -n -X "lua_script:$root/scenarios/wireshark/simblk.lua" -r out.pcapng "$@" 2>errors ||
        complain "tshark fails: $(cat errors)"
    grep -v '^Running as user' errors >said || true
    [ ! -s said ] || complain "tshark says: $(cat said)"
}

fields() { # filter, field...
    filter=$1
    shift
    # Names of fields are words.
    # shellcheck disable=SC2046
    dissect -Y "$filter" -T fields $(printf -- ' -e %s' "$@")
}

prints() { # wanted, filter, field...
    wanted=$(printf '%b' "$1")
    shift
    found=$(fields "$@")
    [ "$found" = "$wanted" ] || complain "$* is '$found' instead of '$wanted'"
}

play() { # exit code, tool, option...
    code=$1 tool=$2
    shift 2
    status=0
    "$tool" run --trace-pcapng out.pcapng "$@" >played 2>&1 || status=$?
    [ "$status" -eq "$code" ] || {
        complain "exit code $status of run $*"
        cat played
    }
}

# ---- the words of blkif.h ----

cat >words.scn <<'SCN'
title    "a request of each kind"
rule     I9
backend  linux segments=32 discard=yes
connect  segments=32                -> ok
fault    op=write delay=3ms
write    3 +13 fill=7               -> ok
read     0 +256                     -> ok
flush                               -> ok
discard  8 +16                      -> ok
SCN
play 0 "$simblk" words.scn
prints '1\t2\t\t3\t\t
6\t32\t0\t0\t\t
3\t0\t\t0\t\t
5\t\t\t8\t16\t0x00' 'blkif.nr_segments || blkif.nr_sectors' blkif.operation blkif.nr_segments \
    blkif.indirect_op blkif.sector_number blkif.nr_sectors blkif.flag
prints '0,0\t7,4' 'blkif.operation == 1 && blkif.seg' blkif.seg.first_sect blkif.seg.last_sect
prints '0.003000000\n0.003000000' 'blkif.operation == 1 && blkif.time' blkif.time
prints '0' 'blkif.status && blkif.operation == 1' blkif.status
prints 'a request of each kind' simblk.title simblk.title
prints 'submit\nrequest\ncomplete' 'simblk.request == 2' simblk.kind
prints 'passed\t0' simblk.verdict simblk.verdict simblk.exit_code
prints '1\n3\n4\n5\n6' \
    'simblk.kind == "store-write" && simblk.path == "/local/domain/1/device/vbd/51712/state"' \
    simblk.state
prints '' 'blkif.unanswered || blkif.unasked || simblk.broken || simblk.not_passed' frame.number
prints 'dom1' 'simblk.kind == "submit" && simblk.request == 1' _ws.col.Source
prints 'submit write request=1 sector=3 sectors=13' \
    'simblk.kind == "submit" && simblk.request == 1' _ws.col.Info

# Another ABI: the same words.
sed 's/^connect /connect  abi=x86_32/' words.scn >words32.scn
fields 'blkif.nr_segments || blkif.nr_sectors || blkif.status' blkif.operation blkif.nr_segments \
    blkif.id blkif.sector_number blkif.nr_sectors blkif.status blkif.indirect_op >words64
play 0 "$simblk" words32.scn
fields 'blkif.nr_segments || blkif.nr_sectors || blkif.status' blkif.operation blkif.nr_segments \
    blkif.id blkif.sector_number blkif.nr_sectors blkif.status blkif.indirect_op >words32
diff words64 words32 >&2 || complain "the ABIs differ"

# ---- docs/trace-pcapng.md: its commands, its filters, its table of kinds ----

page=$root/docs/trace-pcapng.md
mkdir -p bin
ln -s "$simblk" bin/simblk
# Backquotes are the page's own.
# shellcheck disable=SC2016
sed -n '/^```sh$/,/^```$/{/^[a-z]/p}' "$page" | grep -v '^wireshark ' >commands
[ "$(wc -l <commands)" -eq 2 ] || complain "the page has other commands: $(cat commands)"
while IFS= read -r line; do
    PATH=$work/bin:$PATH sh -c "$line" >out 2>&1 </dev/null || complain "this fails: $line"
done <commands
grep -q 'request BLKIF_OP_READ .*' out || complain "the page's tshark shows no request"

# shellcheck disable=SC2016
sed -n 's/^| `\(.*\)` | .*/(\1)/p' "$page" >filters
[ "$(wc -l <filters)" -gt 5 ] || complain "the page has no filters"
dissect -Y "$(paste -sd '|' filters | sed 's/|/ || /g')" >out
[ -s out ] || complain "the page's filters show nothing"

sed -nE 's/^\| ([0-9]+) \| ([a-z][a-z-]*( rule)?)( \(.*\))? \|.*/\1 \2/p' "$page" |
    sed '/^[0-9]* [0-9]/d' >told
sed -nE 's/^ *\[([0-9]+)\] = (\{ name = |store\(|ring\()"([a-z -]+)".*/\1 \3/p' \
    "$root/scenarios/wireshark/simblk.lua" >known
[ "$(wc -l <known)" -gt 30 ] || complain "the dissector knows few kinds"
diff told known >&2 || complain "the page's kinds (<) are not the dissector's (>)"

# ---- what goes wrong ----

play 1 "$careless" scenarios/conformance/status/by-sector.scn
prints '8\t2' simblk.broken simblk.rule simblk.request
prints 'I8 xvda request 2: succeeds, but one of its 1 ring requests was answered with status -1' \
    simblk.broken simblk.reason
prints 'rule broken\t8\t9' simblk.not_passed simblk.verdict simblk.rule simblk.line
# The completion that was no success has broken it, and knows where that is told.
broken=$(fields simblk.broken frame.number)
prints "complete\t$broken" simblk.broken_in simblk.kind simblk.broken_in
prints -1 blkif.failed blkif.status

play 0 "$simblk" --id unknown-id scenarios/conformance/hostile
[ -n "$(fields blkif.unasked frame.number)" ] || complain "a response to nothing is not noticed"

cat >lost.scn <<'SCN'
title    "a request that is dropped"
rule     I4
backend  linux
connect                             -> ok
fault    op=read drop
read     8 +8 async as A
run
wait     A                          -> pending
SCN
play 0 "$simblk" lost.scn
prints '8' blkif.unanswered blkif.sector_number

# ---- all that happens in some folders of conformance ----

play 0 "$simblk" --trace scenarios/conformance/backend-life scenarios/conformance/status \
    scenarios/conformance/queues
fields 'blkif || simblk.unknown || _ws.lua.error || _ws.malformed || !simblk' frame.number \
    blkif.operation blkif.id blkif.sector_number blkif.response_in blkif.response_to \
    simblk.unknown >dissected
[ -z "$(cut -f 7 dissected | tr -d '\n')" ] || complain "there are packets that it does not know"
awk -F '\t' '$2 == ""' dissected >odd
[ ! -s odd ] || complain "there are packets that it cannot read: $(head -n 3 odd)"

# Operation, id and sector of each request, as both have them.
request=' request +index=[0-9]+ op=([a-z]+)[/ ].*id=(0x)?([0-9a-f]+) sector_512=([0-9]+).*'
sed -nE "s/.*$request/\1 \3 \4/p" played >traced
awk -F '\t' '
    BEGIN { split("read write barrier flush reserved discard indirect", names, " ") }
    $4 != "" { sub(/^0x0*/, "", $3); print names[$2 + 1], $3 == "" ? "0" : $3, $4 }' \
    dissected >requests
[ "$(wc -l <traced)" -gt 100 ] || complain "there are few requests: $(wc -l <traced)"
cmp traced requests || complain "requests differ from those of the trace"

# Each link leads back, to the same id.
awk -F '\t' '$5 != "" { print $1, $5, $3 }' dissected | sort >there
awk -F '\t' '$6 != "" { print $6, $1, $3 }' dissected | sort >back
[ "$(wc -l <there)" -gt 100 ] || complain "few requests are linked: $(wc -l <there)"
cmp there back || complain "requests and responses are not linked both ways"

exit $bad
