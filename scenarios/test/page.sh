#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Pages in a real browser: a report in which scenarios fail, with names and titles that look like
# mark-up, an interrupted one, a long run, and a comparison. What is done with them stands in
# page.pl.
#
#     page.sh SIMBLK CARELESS MISBEHAVING WORK_DIR MISSING
#
# MISSING: the exit code where a tool is missing

set -eu
LC_ALL=C
export LC_ALL

simblk=$1 careless=$2 misbehaving=$3 work=$4 missing=$5
script=$(cd "$(dirname "$0")" && pwd)/page.pl

for tool in chromium perl; do
    command -v "$tool" >/dev/null || {
        echo "$tool is not there"
        exit "$missing"
    }
done

rm -rf "$work"
mkdir -p "$work/all/reads"
cd "$work"

cat >all/status.scn <<'EOF'
title    "a bad sector fails the requests that touch it and no other"
rule     I8 I7

backend  linux
fault    sectors=100-103 error
connect                             -> ok
write    0 +8                       -> ok
write    96 +8 fill=2               -> io-error
disconnect                          -> ok
EOF
cat >all/reads/variants.scn <<'EOF'
title    "a read here and there"
rule     I7
variants read.sector=0,8,16

backend  linux
connect                             -> ok
read     0 +8                       -> ok
disconnect                          -> ok
EOF
cat >'all/reads/<b id=wrong>&amp;.scn' <<'EOF'
title    "</script><img src=x onerror=alert(1)><b id=wrong>"
rule     I7
about    "<i id=wrong>"

backend  linux
connect                             -> ok
disconnect                          -> ok
EOF
status=0
"$careless" run --quiet --report report.html all >run.log || status=$?
[ "$status" -eq 1 ]
# Interrupted before anything has a verdict.
printf 'rule I7\nbackend linux\nconnect -> ok\nread 102 +8 -> ok\n' >hangs.scn
status=0
timeout --preserve-status -s INT 2 "$misbehaving" run --stuck 600 --report empty.html hangs.scn \
    >run.log || status=$?
[ "$status" -eq 130 ]
# Of what is no frontend.
echo nothing >'<b id=wrong>.so'
status=0
"$simblk" run --frontend '<b id=wrong>.so' --report refused.html all >run.log 2>&1 || status=$?
[ "$status" -eq 2 ]
# A long run, which fails at its end.
{
    printf 'rule I8\nbackend linux\nfault sectors=100-103 error\nconnect -> ok\n'
    for n in 0 8 16 24 32 40 48 56 64 72 80 88 112 120 128 136; do
        echo "read $n +8 -> ok"
    done
    echo 'write 96 +8 -> io-error'
} >long.scn
status=0
"$careless" run --quiet --report long.html long.scn >run.log || status=$?
[ "$status" -eq 1 ]
"$simblk" compare --scenarios all --format html --output compare.html libblkfront

exec perl "$script" "$work"
